/*
 * book_acts: what operators do to alarms, and what is refused (contract 5, 9).
 *
 *   act             refused when
 *   ack             never raised; another occurrence named; level already acknowledged, or higher than any reached
 *   shelve          no end given, or an end that is not in the future
 *   unshelve        not shelved
 *   out-of-service  already out of service; in-service: already in service
 *   close           never raised
 *   comment         never
 *
 * Any act that names an occurrence which is not the present one is refused, so
 * that words meant for the last time are not filed under this time.  A refusal
 * is ERR_NO with a sentence for the operator and changes nothing.  Pure.
 */
#include "alerting/book.h"
#include "model/sample.h"

struct act_step {
    struct alarm_book *book;
    struct book_alarm *alarm;
    const struct act *act;
    const char *name; /* of the alarm, for words */
    uint32_t index;
    int64_t time_ns;
};

static void say(const struct act_step *step, enum event_kind kind, uint8_t level)
{
    book_say(step->book, step->index, kind, level, LEVEL_NONE, step->time_ns);
    book_say_act(step->book, step->act);
}

static enum err_code do_ack(const struct act_step *step, struct err *err)
{
    struct book_alarm *alarm = step->alarm;
    if (alarm->occurrence == 0) {
        return err_set(err, ERR_NO, "%s was never raised; there is nothing to acknowledge", step->name);
    }
    const uint8_t level = step->act->level != LEVEL_NONE ? step->act->level : book_ackable(alarm);
    if (level <= alarm->acked) {
        return err_set(err, ERR_NO, "%s is already acknowledged at %s", step->name, level_name(alarm->acked));
    }
    if (level > alarm->peak) {
        return err_set(err, ERR_NO, "%s has been at most %s; %s was never seen", step->name, level_name(alarm->peak),
                       level_name(level));
    }
    alarm->acked = level;
    say(step, EV_ACKED, level);
    if (alarm->latched && book_is_acked(alarm)) {
        book_return(step->book, step->index, step->time_ns);
    }
    return ERR_NONE;
}

/* Gives the end an act `shelve` asks for; false when it gives none, or one that is not in the future. */
static bool shelf_end(const struct act *act, int64_t time_ns, int64_t *ret_end_ns)
{
    if (act->until_ns != 0) {
        *ret_end_ns = sample_cut_time(act->until_ns);
        return *ret_end_ns > time_ns;
    }
    return act->for_ns > 0 && !__builtin_add_overflow(time_ns, act->for_ns, ret_end_ns);
}

static enum err_code do_shelve(const struct act_step *step, struct err *err)
{
    int64_t end_ns;
    if (!shelf_end(step->act, step->time_ns, &end_ns)) {
        return err_set(err, ERR_NO, "%s is not shelved: a shelf needs an end in the future; say for how long",
                       step->name);
    }
    book_shelf_put(step->book, step->index, end_ns);
    say(step, EV_SHELVED, step->alarm->level);
    return ERR_NONE;
}

static enum err_code do_unshelve(const struct act_step *step, struct err *err)
{
    if (step->alarm->shelf_ns == 0) {
        return err_set(err, ERR_NO, "%s is not shelved", step->name);
    }
    book_shelf_take(step->book, step->index);
    say(step, EV_UNSHELVED, step->alarm->level);
    return ERR_NONE;
}

static enum err_code do_service(const struct act_step *step, struct err *err)
{
    const bool out = step->act->kind == ACT_OUT_OF_SERVICE;
    if (step->alarm->out_of_service == out) {
        return err_set(err, ERR_NO, "%s is already %s service", step->name, out ? "out of" : "in");
    }
    step->alarm->out_of_service = out;
    say(step, out ? EV_OUT_OF_SERVICE : EV_IN_SERVICE, step->alarm->level);
    return ERR_NONE;
}

static enum err_code do_comment(const struct act_step *step, struct err *err)
{
    (void)err; /* a remark is never refused */
    say(step, EV_COMMENTED, step->alarm->level);
    return ERR_NONE;
}

static enum err_code do_close(const struct act_step *step, struct err *err)
{
    if (step->alarm->occurrence == 0) {
        return err_set(err, ERR_NO, "%s was never raised; there is nothing to close", step->name);
    }
    say(step, EV_CLOSED, step->alarm->level);
    return ERR_NONE;
}

static enum err_code (*const DOERS[ACT_COUNT])(const struct act_step *step, struct err *err) = {
    [ACT_ACK] = do_ack,
    [ACT_SHELVE] = do_shelve,
    [ACT_UNSHELVE] = do_unshelve,
    [ACT_COMMENT] = do_comment,
    [ACT_CLOSE] = do_close,
    [ACT_OUT_OF_SERVICE] = do_service,
    [ACT_IN_SERVICE] = do_service,
};

enum err_code alarm_book_act(struct alarm_book *book, const struct act *act, int64_t time_ns, double value,
                             struct err *err)
{
    if (act->alarm >= book->site->alarm_count || act->kind >= ACT_COUNT || act->level >= LEVEL_COUNT) {
        return err_set(err, ERR_INPUT, "no such alarm, act or level");
    }
    struct book_alarm *alarm = &book->alarms[act->alarm];
    const char *name = book->site->alarms[act->alarm].name;
    if (act->occurrence != 0 && act->occurrence != alarm->occurrence) {
        return err_set(err, ERR_NO, "%s is at occurrence %u, not %u", name, (unsigned)alarm->occurrence,
                       (unsigned)act->occurrence);
    }
    const double before = alarm->value;
    alarm->value = value;
    const struct act_step step = {
        .book = book, .alarm = alarm, .act = act, .name = name, .index = act->alarm, .time_ns = time_ns};
    const enum err_code code = DOERS[act->kind](&step, err);
    alarm_book_end_step(book);
    if (code != ERR_NONE) {
        alarm->value = before;
    }
    return code;
}
