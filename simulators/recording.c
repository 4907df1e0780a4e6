/*
 * recording: what answers a question, and when a place is out (see
 * recording.h; reading is in recording_read.c).
 */
#include "simulators/recording.h"
#include <stdlib.h>
#include <string.h>

int recording_compare(const struct recording_exchange *a, const struct recording_exchange *b)
{
    if (a->place != b->place) {
        return a->place < b->place ? -1 : 1;
    }
    if (a->unit != b->unit) {
        return a->unit < b->unit ? -1 : 1;
    }
    const size_t common = a->pdu_len < b->pdu_len ? a->pdu_len : b->pdu_len;
    const int differs = memcmp(a->pdu, b->pdu, common);
    return differs != 0 ? differs : (a->pdu_len > b->pdu_len) - (a->pdu_len < b->pdu_len);
}

static struct recording_track *find_track(const struct recording *recording, const struct recording_exchange *key)
{
    size_t low = 0, high = recording->track_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        struct recording_track *track = &recording->tracks[middle];
        const int order = recording_compare(&recording->exchanges[track->first], key);
        if (order == 0) {
            return track;
        }
        low = order < 0 ? middle + 1 : low;
        high = order > 0 ? middle : high;
    }
    return NULL;
}

const struct recording_exchange *recording_answer(struct recording *recording, uint32_t place, uint8_t unit,
                                                  const uint8_t *pdu, size_t pdu_len, int64_t t_ns, int64_t slack_ns)
{
    const struct recording_exchange key = {.place = place, .unit = unit, .pdu = pdu, .pdu_len = pdu_len};
    struct recording_track *track = find_track(recording, &key);
    if (track == NULL) {
        return NULL;
    }
    const struct recording_exchange *list = &recording->exchanges[track->first];
    size_t n = track->next;
    while (n + 1 < track->count && list[n + 1].at_ns + slack_ns <= t_ns) {
        n++; /* asked later than it was: what is long past is passed over */
    }
    if (n > 0 && (n == track->count || list[n].at_ns > t_ns + slack_ns)) {
        track->next = n;
        return &list[n - 1]; /* asked earlier than it was, or after the end */
    }
    track->next = n + 1;
    return &list[n];
}

bool recording_is_out(const struct recording *recording, uint32_t place, int64_t t_ns)
{
    for (size_t i = 0; i < recording->outage_count; i++) {
        const struct recording_outage *outage = &recording->outages[i];
        if (outage->place == place && t_ns >= outage->from_ns && t_ns < outage->to_ns) {
            return true;
        }
    }
    return false;
}

void recording_retag(uint8_t *bytes, size_t len, uint16_t recorded, uint16_t now)
{
    enum { HEADER = 6, LENGTH_MOST = 254 };
    for (size_t at = 0; len - at > HEADER;) {
        uint8_t *frame = bytes + at;
        const size_t length = (size_t)frame[4] << 8 | frame[5];
        if (frame[2] != 0 || frame[3] != 0 || length < 2 || length > LENGTH_MOST) {
            return;
        }
        const uint16_t transaction = (uint16_t)((frame[0] << 8 | frame[1]) - recorded + now);
        frame[0] = (uint8_t)(transaction >> 8);
        frame[1] = (uint8_t)transaction;
        if (length + HEADER > len - at) {
            return;
        }
        at += HEADER + length;
    }
}

void recording_free(struct recording *recording)
{
    if (recording != NULL) {
        free(recording->file);
        free(recording->exchanges);
        free(recording->tracks);
        free(recording->pieces);
        free(recording->outages);
        free(recording->messages);
        free(recording);
    }
}
