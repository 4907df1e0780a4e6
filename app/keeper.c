/* keeper: see keeper.h. */
#include "app/keeper.h"

#include "base/log.h"
#include "model/queues.h"
#include <stdio.h>

static void do_job(struct keeper *keeper, const struct keeper_job *job)
{
    struct err err = {0};
    enum err_code code = store_backup(keeper->store, job->dir, &err);
    struct answer answer = {.ticket = job->ticket, .code = (int32_t)code};
    (void)snprintf(answer.text, sizeof answer.text, "%.*s", (int)sizeof answer.text - 1, err.text);
    if (code == ERR_NONE) {
        log_event(LOG_INFO, "app", "APP-005", job->dir, "dir=%s backup=done", job->dir);
    } else {
        log_event(LOG_WARN, "app", "APP-006", job->dir, "dir=%s backup=failed reason=\"%s\"", job->dir, err.text);
    }
    if (ring_push(keeper->done, &answer)) { /* else control takes nothing any more: it has stopped */
        doorbell_ring(keeper->bell);
    }
}

static int do_work(void *self, int64_t now_ns)
{
    struct keeper *keeper = self;
    size_t n;
    const struct keeper_job *job = ring_peek(keeper->jobs, &n);
    (void)now_ns; /* a backup has no time but its own */
    if (job != NULL && cell_get(keeper->stop) == 0) {
        do_job(keeper, job);
        ring_release(keeper->jobs, 1);
        return 1;
    }
    return cell_get(keeper->stop) != 0 ? AGENT_FINISHED : 0;
}

struct agent keeper_agent(struct keeper *keeper)
{
    return (struct agent){.name = "keeper", .self = keeper, .do_work = do_work};
}
