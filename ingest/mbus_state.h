/*
 * mbus_state: what the Modbus worker keeps, private to ingest/mbus_*.c.
 *
 *   worker ── links (one connection each) ── units ── reads (one planned block each)
 *
 *   mbus_bus    the agent: slots of all reads, the loop, stop
 *   mbus_link   one connection: up, down, back-off, renewal
 *   mbus_connect how it comes up
 *   mbus_queue  reads that are due
 *   mbus_line   what is asked over it, and time-outs
 *   mbus_answer what comes back
 *   mbus_poll   one read: pieces, samples, refused addresses
 *   mbus_unit   one device behind a connection: silent, asked now and then
 *   mbus_count  the numbers all this lets be seen
 *
 * All of it belongs to the agent's thread and to the arena of the worker.  Two
 * times run side by side: `mono_ns` for everything that is waited for (slots,
 * time-outs, back-off), so that a step of the system's clock neither fires nor
 * holds up anything, and `now_ns`, the clock of the cycle, for stamps.
 */
#ifndef DAVY_INGEST_MBUS_STATE_H
#define DAVY_INGEST_MBUS_STATE_H

#include "base/clock.h"
#include "ingest/due_heap.h"
#include "ingest/ingest.h"
#include "ingest/mbus_cuts.h"
#include "ingest/mbus_frame.h"
#include "ingest/mbus_plan.h"
#include "ingest/mbus_share.h"
#include "ingest/wire_tap.h"
#include <uv.h>

struct bus_link;
struct bus_unit;
struct bus_read;

/* A request under way, or one that waits until the line is free.  A connection has as many as its device allows. */
enum ask_state { ASK_FREE, ASK_HELD, ASK_SENT };
struct bus_ask {
    enum ask_state state;
    uint8_t retries_left;
    bool junk; /* RTU: something came that does not answer it */
    struct mbus_request request;
    struct bus_read *read; /* the poll it belongs to; NULL: a silent unit is asked */
    struct bus_unit *unit;
    int64_t sent_ns;
    int64_t deadline_ns;
};

struct bus_read {
    const struct mbus_read *plan;
    struct bus_link *link;
    struct bus_unit *unit;
    struct bus_read *next; /* in the link's queue */
    struct bus_ask *ask;   /* while a poll of it is under way */
    struct mbus_cuts cuts;
    int64_t every_ns;        /* the plan's, or the shorter one while its hazard is in alarm */
    int64_t grid_ns;         /* where the plan's grid of slots began */
    int64_t slot_ns;         /* the slot in the due heap */
    int64_t search_ns;       /* refused addresses are asked again from then on */
    int64_t search_wait_ns;  /* how long it was waited for that; doubles */
    int64_t cost_ns;         /* of the line's time, this poll */
    double demand;           /* part of the line's time that it takes */
    uint32_t cursor;         /* items before it have their sample of this poll */
    struct mbus_piece piece; /* asked now */
    uint32_t joined;         /* item whose cut is tried without, 0: none */
    uint32_t answered;       /* items of this poll with an answer */
    uint64_t *kept;          /* [item]: registers of guided items and companions; NULL: there are none */
    bool *has;               /* [item]: kept[item] is of this poll */
    uint8_t exception;       /* last one, 0: none */
    bool queued;             /* in the link's queue */
    bool lost;               /* the last poll gave `comm` */
    bool refused;            /* the last poll was refused by an exception; logged */
    bool searching;          /* refused pieces of this poll are cut */
    bool divided;            /* there are marks */
    bool excepted;           /* some of its points have the code of an exception */
    bool hopeless;           /* the last search found nothing that is not refused */
};

struct unit_counters {
    struct counter *state, *polls, *timeouts, *exceptions, *exception;
};

struct bus_unit {
    struct bus_link *link;
    struct unit_counters count;
    struct site_manners manners; /* const after start */
    struct bus_read *reads;      /* [read_count] */
    uint32_t read_count;
    uint8_t unit;
    uint8_t misses;          /* requests without answer in a row; those under way together are one */
    int64_t missed_ns;       /* mono; when the last was counted */
    bool heard;              /* on this connection */
    bool silent;             /* asked by probes only */
    int64_t silent_since_ns; /* mono */
    int64_t probe_ns;        /* when a silent unit may be asked again */
    int64_t probe_wait_ns;
    int64_t quiet_ns; /* RTU: left alone until then, an answer given up may still come; mono */
    int64_t late_ns;  /* RTU: how long its latest answers took; fades */
};

enum link_state {
    LINK_DOWN,       /* waits for retry_ns */
    LINK_RESOLVING,  /* waits for the name server */
    LINK_CONNECTING, /* waits for the connection */
    LINK_UP,
    LINK_CLOSED /* stopped */
};

enum { LINK_BUFFER = 2 * MBUS_ADU_MAX };

struct bus_counters {
    struct counter *polls, *timeouts, *exceptions, *late_replies, *bad_replies, *reconnects, *skipped, *connected,
        *faster, *state, *renewals;
};

struct bus_link {
    struct mbus_worker *worker;
    const struct site_source *source;
    struct bus_counters count;
    struct bus_unit *units;
    uint32_t unit_count;
    struct bus_read *reads; /* all of its units, one after the other */
    uint32_t read_count;
    uint32_t id; /* in the wake heap */
    enum mbus_framing framing;

    enum link_state state;
    int fd;
    bool poll_open;    /* the loop still holds `poll` */
    bool resolve_open; /* the loop still holds `resolve` */
    uv_poll_t poll;
    uv_getaddrinfo_t resolve;
    struct sockaddr_storage address;
    socklen_t address_len;
    int64_t deadline_ns;   /* connecting */
    int64_t retry_ns;      /* DOWN: next try */
    int64_t ready_ns;      /* the line is free from then on */
    int64_t frame_gap_ns;  /* RTU; const after start */
    uint64_t seed;         /* of the back-off's jitter; const after start */
    unsigned tries;        /* since the last answer */
    bool proven;           /* answered since it was connected */
    bool was_up;           /* connected at least once */
    uint8_t renewals_left; /* RTU over TCP: not 0 from a renewal to the next answer: tries that are no trouble yet */
    bool announced_down;   /* the trouble is logged */
    int64_t down_since_ns;

    struct bus_read *queue_head, *queue_tail; /* due reads, oldest first */
    struct share share;                       /* of the line's time among the units */
    struct bus_ask *asks;                     /* [ask_count] */
    uint32_t ask_count;                       /* const after start */
    uint16_t transaction;
    uint32_t probe_turn; /* round robin over silent units */
    uint32_t silent_count;
    int64_t probe_ns;        /* silent units of this link share one budget */
    unsigned mute;           /* requests without any byte in a row; those under way together are one */
    int64_t mute_ns;         /* mono; when the last was counted */
    unsigned garbled;        /* answers in a row that were no Modbus */
    int64_t junk_until_ns;   /* RTU: silence is waited for no longer; 0: not waited for */
    struct bus_unit *missed; /* RTU: gave no answer in time, the last to do so; NULL: none */
    struct mbus_request missed_request;
    int64_t missed_ns; /* when that was sent */
    size_t len;
    uint8_t buffer[LINK_BUFFER];
};

struct mbus_worker {
    struct mbus_config config;
    struct arena arena;
    struct mbus_plan plan;
    uv_loop_t loop;
    struct bus_link *links;
    uint32_t link_count;
    struct bus_unit *units;
    struct share_unit *shares; /* [unit] */
    uint32_t unit_count;
    struct bus_read *reads; /* [plan.read_count] */
    struct due_heap slots;  /* by read */
    struct due_heap wakes;  /* by link */
    int64_t now_ns;         /* of this cycle */
    int64_t mono_ns;        /* of this cycle */
    size_t reserved;        /* samples that the reads in flight may yet give */
    uint64_t alarmed_turn;  /* as last looked at */
    int work;               /* done in this cycle */
    bool put;               /* a sample was put in this cycle */
    bool started;
    bool stopping;
    bool closed;
};

/* ---- mbus_port ---- */

/* True when a serial line can run at that rate. */
bool port_has_baud(uint32_t baud);
/* Says what of the source this version cannot open. */
enum err_code port_check(const struct site_source *source, struct err *err) MUST_CHECK;
/* True when the host is an address; then it is in *ret_address. */
bool port_address(const struct site_source *source, struct sockaddr_storage *ret_address, socklen_t *ret_len);
/* Starts a TCP connection, gives the descriptor (non-blocking), or -1 with errno. */
int port_connect(const struct sockaddr_storage *address, socklen_t len);
/* Opens and sets a serial line, gives the descriptor (non-blocking), or -1 with errno. */
int port_serial(const struct site_source *source);
/* The silence that ends an RTU frame on this line. */
int64_t port_frame_gap_ns(const struct site_source *source);

/* ---- mbus_link ---- */

/* Once, before the agent runs: what does not change with the connection. */
void link_prepare(struct bus_link *link);
/* Something of the link is due. */
void link_wake(struct bus_link *link);
/* A read of the link became due: queued, answered with `comm`, or skipped. */
void link_due(struct bus_link *link, struct bus_read *read);
/* Trouble: closes, gives `comm` to all that is due, plans the next try, says so once. */
void link_lost(struct bus_link *link, const char *reason);
void link_lost_errno(struct bus_link *link, const char *what, int error);
/* RTU over TCP, after a time-out: makes the connection anew, so that no late answer comes over it.  No trouble of the
 * connection's: reads that are due and requests held wait for it, no unit is forgotten, no back-off begins. */
void link_renew(struct bus_link *link);
/* A renewal met with trouble: true when it is tried again. */
bool link_renews_again(struct bus_link *link);
/* Has link_wake called no later than then; or when its state says. */
void link_wake_at(struct bus_link *link, int64_t due_ns);
void link_wake_when_due(struct bus_link *link);
/* Tells a recording, if there is one. */
void link_tap(const struct bus_link *link, enum wire_kind kind, const uint8_t *bytes, size_t len);
/* For log lines: host and port, or the device. */
enum { LINK_PLACE_MAX = 300 };
void link_place(const struct bus_link *link, char ret_text[LINK_PLACE_MAX]);
/* Forgets all that is under way, without samples. */
void link_abandon(struct bus_link *link);
/* Closes for good. */
void link_close(struct bus_link *link);
bool link_is_closed(const struct bus_link *link);

/* ---- mbus_connect ---- */

/* Connects or opens the line; later tries come by themselves. */
void link_open(struct bus_link *link);
/* The same for a TCP connection whose address is known. */
void link_open_again(struct bus_link *link);

/* ---- mbus_queue ---- */

/* Puts a read behind the others; it is not there yet. */
void link_queue_add(struct bus_link *link, struct bus_read *read);
/* Takes the oldest due read out of the queue, of those whose unit may be asked now; NULL: there is none. */
struct bus_read *link_queue_take(struct bus_link *link);
/* When there may be one, in ready or share; TIME_NEVER when none is due. */
int64_t link_queue_next(const struct bus_link *link);
/* Takes the oldest whatever its unit; nobody is held back any more. */
struct bus_read *link_queue_pop(struct bus_link *link);

/* ---- mbus_line ---- */

/* Sends what is next when the line is free. */
void line_pump(struct bus_link *link);
/* Sends one read request of ask->unit; the answer comes to poll_* or unit_*.  It may fail at once and end the poll:
 * touch nothing of the poll after it. */
void line_ask(struct bus_link *link, struct bus_ask *ask, uint8_t table, uint16_t address, uint16_t count);
/* Looks for answers that did not come in time. */
void line_check_time(struct bus_link *link);
/* When the next would be late; TIME_NEVER when nothing is waited for. */
int64_t line_deadline(const struct bus_link *link);
/* When something can be sent next; TIME_NEVER when there is nothing to send, or no more may be under way. */
int64_t line_next(const struct bus_link *link);
/* True while something was sent and neither answered nor late; `held`: or waits until the line is free. */
bool line_is_waiting(const struct bus_link *link, bool held);

/* What a request took of the line until it is free again counts against its unit. */
void line_charge(struct bus_link *link, const struct bus_ask *ask);
/* RTU: the answer to the last request that was given up has come. */
void line_came_late(struct bus_link *link);
/* RTU: the unit has answered in time. */
void line_is_in_step(struct bus_link *link, struct bus_unit *unit);

/* ---- mbus_answer ---- */

/* There is something to read. */
void line_receive(struct bus_link *link);

/* ---- mbus_poll ---- */

/* Starts a poll by a free ask; false when the rings have no room (skipped and counted). */
bool poll_start(struct bus_read *read, struct bus_ask *ask);
/* The answer to the piece asked; each returns with the poll either asking its next piece or finished. */
void poll_reply(struct bus_read *read, const uint8_t *payload);
void poll_exception(struct bus_read *read, uint8_t exception);
/* Ends the poll: what has no sample yet gets `comm`. */
void poll_fail(struct bus_read *read);
/* A poll without the wire: `comm` for all points. */
void poll_comm(struct bus_read *read);

/* ---- mbus_unit ---- */

/* It answered, in whatever words. */
void unit_answered(struct bus_unit *unit);
/* It did not; the attempt began then and cost so much time on the line. */
void unit_missed(struct bus_unit *unit, int64_t sent_ns, int64_t cost_ns);
/* True while nothing is expected of it. */
bool unit_is_given_up(const struct bus_unit *unit);
/* Which silent unit may be asked now; NULL: none. */
struct bus_unit *unit_to_probe(struct bus_link *link);
/* When the next may be; TIME_NEVER when none is silent. */
int64_t unit_next_probe(const struct bus_link *link);
void unit_probe(struct bus_unit *unit, struct bus_ask *ask);
/* The connection is new: nothing is known of its units. */
void units_reset(struct bus_link *link);

/* ---- mbus_count ---- */

void count_link_begin(struct bus_link *link);
void count_unit_begin(struct bus_unit *unit);
/* Shows how the connection and its units are. */
void count_states(struct bus_link *link);
void count_exception(struct bus_unit *unit, uint8_t exception);
void count_timeout(struct bus_unit *unit);
void count_poll(struct bus_read *read);
/* Points named davy.bus.… that would never get a reading. */
void count_check(const struct site *site, struct mistakes *mistakes);

#endif
