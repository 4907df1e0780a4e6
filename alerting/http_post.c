/*
 * http_post: libcurl (7.88.1) behind two descriptors and a deadline.
 *
 * Known of libcurl, and what follows here:
 * - curl_multi_socket_action goes only as far as it can without waiting; host
 *   names are looked up by a thread of libcurl's own for the time it takes, the
 *   one thread of this process that is made after the start.
 * - Its timer runs by a clock of its own and is told once: called a little early
 *   it does nothing and does not tell it again.  So it is called again soon
 *   until it sets another time.
 * - Freeing a handle while a name is being looked up waits for that, unless
 *   CURLOPT_QUICK_EXIT is set.
 * - A kept connection which the server has closed meanwhile is found out when
 *   the next POST is sent on it; libcurl then sends it on a fresh one by itself.
 *   It counts how often, over the whole life of the handle, and gives up at every
 *   sixth time with CURLE_SEND_ERROR; so that is tried once more here.
 * - Debian's trusts the folder of the system's certificates besides any file of
 *   our own, unless that folder is taken out.
 * - It takes proxies from the environment, and files from ~/.netrc when asked:
 *   where events go is said in the site file alone, so no proxy is used.
 * - Before a large body it asks "Expect: 100-continue" and waits a second for
 *   servers that do not know that; the header is taken out.
 * - The options keep pointers to the body (COPYPOSTFIELDS is not used) and to
 *   the list of headers, so both live here until the end of the POST.
 */
#include "alerting/http_post.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/memory.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    CONNECT_PART = 2,       /* connecting may take this part of the time for all */
    ANSWER_MAX = 64 * 1024, /* more of an answer is not read */
    SAID_MAX = 120,         /* of a refusal's body this much is told */
    EVENTS_AT_ONCE = 8,
    TIMER_AGAIN_MS = 10,
};

struct http_post {
    struct http_post_config config;
    CURLM *multi;
    CURL *easy;
    int epoll;
    bool open, again;           /* again: it is on its second try after a connection that had died */
    struct curl_slist *headers; /* of the POST under way */
    int64_t now_ns;             /* of this call */
    int64_t due_ns;             /* what libcurl's timer says */
    size_t answered;            /* bytes of the answer's body */
    char said[SAID_MAX + 1];    /* its beginning */
    char why[CURL_ERROR_SIZE];
};

/* ---- what libcurl calls --------------------------------------------------------------------------------------------
 */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *known)
{
    (void)easy;
    struct http_post *post = self;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(post->epoll, EPOLL_CTL_DEL, fd, NULL); /* a closed one has gone from the set by itself */
        return 0;
    }
    struct epoll_event event = {.data.fd = fd};
    event.events = ((what & CURL_POLL_IN) != 0 ? EPOLLIN : 0u) | ((what & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0u);
    const int how = known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(post->epoll, how, fd, &event) != 0 && errno == EEXIST) {
        (void)epoll_ctl(post->epoll, EPOLL_CTL_MOD, fd, &event); /* the timer is the second line of defence */
    }
    (void)curl_multi_assign(post->multi, fd, post); /* from now on it is known */
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *self)
{
    (void)multi;
    struct http_post *post = self;
    post->due_ns = timeout_ms < 0 ? TIME_NEVER : post->now_ns + timeout_ms * NS_PER_MS;
    return 0;
}

/* Keeps the beginning of the answer; a server that talks without end is cut short. */
static size_t on_answer(char *bytes, size_t size, size_t count, void *self)
{
    struct http_post *post = self;
    const size_t len = size * count;
    if (post->answered < SAID_MAX) {
        const size_t room = SAID_MAX - post->answered;
        memcpy(post->said + post->answered, bytes, len < room ? len : room);
    }
    post->answered += len;
    return post->answered > ANSWER_MAX ? 0 : len;
}

/* ---- making it --------------------------------------------------------------------------------------------------- */

static bool set_multi(struct http_post *post)
{
    return curl_multi_setopt(post->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(post->multi, CURLMOPT_SOCKETDATA, post) == CURLM_OK &&
           curl_multi_setopt(post->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(post->multi, CURLMOPT_TIMERDATA, post) == CURLM_OK &&
           curl_multi_setopt(post->multi, CURLMOPT_MAXCONNECTS, 1L) == CURLM_OK;
}

static bool set_manners(struct http_post *post)
{
    CURL *easy = post->easy;
    const long ms = (long)(post->config.timeout_ns / NS_PER_MS);
    return curl_easy_setopt(easy, CURLOPT_URL, post->config.url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms / CONNECT_PART) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "davy/" DAVY_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, post) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->why) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK;
}

/* Who we are and whom we trust; NULL leaves libcurl's default. */
static bool set_trust(struct http_post *post)
{
    const struct http_post_config *config = &post->config;
    const struct {
        CURLoption option;
        const char *text;
    } texts[] = {{CURLOPT_CAINFO, config->ca},
                 {CURLOPT_SSLCERT, config->cert},
                 {CURLOPT_SSLKEY, config->key},
                 {CURLOPT_USERNAME, config->user},
                 {CURLOPT_PASSWORD, config->password}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].text != NULL && curl_easy_setopt(post->easy, texts[i].option, texts[i].text) != CURLE_OK) {
            return false;
        }
    }
    return config->ca == NULL || curl_easy_setopt(post->easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
}

enum err_code http_post_new(const struct http_post_config *config, struct http_post **ret_post, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return err_set(err, ERR_ENV, "libcurl cannot be used");
    }
    struct http_post *post = memory_new(1, sizeof *post);
    post->config = *config;
    post->due_ns = TIME_NEVER;
    post->epoll = epoll_create1(EPOLL_CLOEXEC);
    post->multi = curl_multi_init();
    post->easy = curl_easy_init();
    const bool made = post->epoll >= 0 && post->multi != NULL && post->easy != NULL && set_multi(post) &&
                      set_manners(post) && set_trust(post);
    if (!made) {
        http_post_free(post);
        return err_set(err, ERR_ENV, "libcurl cannot be used for %s", config->url);
    }
    *ret_post = post;
    return ERR_NONE;
}

/* Takes the POST off libcurl's hands, finished or not. */
static void leave(struct http_post *post)
{
    if (post->open) {
        (void)curl_multi_remove_handle(post->multi, post->easy); /* fails only for a handle that is not ours */
    }
    curl_slist_free_all(post->headers);
    post->headers = NULL;
    post->open = false;
    post->due_ns = TIME_NEVER;
}

void http_post_free(struct http_post *post)
{
    if (post == NULL) {
        return;
    }
    leave(post);
    curl_easy_cleanup(post->easy);
    (void)curl_multi_cleanup(post->multi); /* likewise */
    if (post->epoll >= 0) {
        (void)close(post->epoll); /* nothing is buffered here */
    }
    free(post);
    curl_global_cleanup();
}

/* ---- using it ---------------------------------------------------------------------------------------------------- */

static void add_header(struct http_post *post, const char *line)
{
    struct curl_slist *longer = curl_slist_append(post->headers, line);
    if (longer == NULL) {
        abort(); /* as memory.h: without memory there is no going on */
    }
    post->headers = longer;
}

/* Gives the POST into libcurl's hands. */
static void hand_over(struct http_post *post)
{
    post->answered = 0;
    post->why[0] = '\0';
    memset(post->said, 0, sizeof post->said);
    if (curl_multi_add_handle(post->multi, post->easy) != CURLM_OK) {
        abort(); /* no memory, or two at a time, which is our own mistake */
    }
    post->open = true;
}

void http_post_begin(struct http_post *post, const char *body, size_t len, const char *const *headers, size_t count,
                     int64_t now_ns)
{
    struct buf type = {0};
    buf_printf(&type, "Content-Type: %s", post->config.content_type);
    add_header(post, type.data);
    buf_done(&type);
    add_header(post, "Expect:");
    for (size_t i = 0; i < count; i++) {
        add_header(post, headers[i]);
    }
    post->now_ns = now_ns;
    /* Of these none can fail: they take a pointer or a number. */
    (void)curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->headers);
    (void)curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, body);
    (void)curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    post->again = false;
    hand_over(post);
}

/* The beginning of what the server said, as one line that fits between quotes. */
static void add_said(struct http_post *post, struct err *err)
{
    char *said = post->said;
    for (char *c = said; *c != '\0'; c++) {
        *c = (unsigned char)*c < ' ' || *c == '"' || *c == 0x7f ? ' ' : *c;
    }
    if (said[strspn(said, " ")] != '\0') {
        struct err so_far = *err;
        (void)err_set(err, ERR_ENV, "%s: %s", so_far.text, said);
    }
}

static enum http_post_state judge(struct http_post *post, CURLcode code, struct err *err)
{
    long status = 0;
    (void)curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status); /* 0 when there was none */
    const bool cut_short = code == CURLE_WRITE_ERROR && post->answered > ANSWER_MAX;
    if ((code == CURLE_OK || cut_short) && status >= 200 && status < 300) {
        return HTTP_POST_DELIVERED;
    }
    if (code != CURLE_OK && !cut_short) {
        (void)err_set(err, ERR_ENV, "%s", post->why[0] != '\0' ? post->why : curl_easy_strerror(code));
    } else if (status >= 300 && status < 400) {
        (void)err_set(err, ERR_ENV, "the server answers with status %ld, elsewhere; that is not followed", status);
    } else {
        (void)err_set(err, ERR_ENV, "the server answers with status %ld", status);
        add_said(post, err);
    }
    return HTTP_POST_FAILED;
}

static void drive(struct http_post *post)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int running;
    const int n = epoll_wait(post->epoll, events, EVENTS_AT_ONCE, 0);
    for (int i = 0; i < n; i++) {
        const uint32_t came = events[i].events;
        const int what = ((came & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                         ((came & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                         ((came & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);
        (void)curl_multi_socket_action(post->multi, events[i].data.fd, what, &running); /* its outcome is asked below */
    }
    if (post->due_ns <= post->now_ns) {
        post->due_ns = post->now_ns + TIMER_AGAIN_MS * NS_PER_MS; /* unless it is set anew */
        (void)curl_multi_socket_action(post->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
}

enum http_post_state http_post_go_on(struct http_post *post, int64_t now_ns, struct err *err)
{
    if (!post->open) {
        return HTTP_POST_IDLE;
    }
    post->now_ns = now_ns;
    drive(post);
    int left;
    const CURLMsg *message = curl_multi_info_read(post->multi, &left);
    if (message == NULL || message->msg != CURLMSG_DONE) {
        return HTTP_POST_OPEN;
    }
    const CURLcode code = message->data.result;
    if (code == CURLE_SEND_ERROR && !post->again) {
        post->again = true;
        (void)curl_multi_remove_handle(post->multi, post->easy); /* it is ours */
        hand_over(post);
        return HTTP_POST_OPEN;
    }
    const enum http_post_state state = judge(post, code, err);
    leave(post);
    return state;
}

int http_post_fd(const struct http_post *post)
{
    return post->open ? post->epoll : -1;
}

int64_t http_post_due(const struct http_post *post)
{
    return post->due_ns;
}
