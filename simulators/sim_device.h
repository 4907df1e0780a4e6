/*
 * sim_device: one Modbus unit, as its answers to requests.
 *
 * Pure but for what a client has written: a request (PDU) and a moment go in,
 * the answer (PDU) comes out.  Registers are computed from the scenario when
 * they are asked for; there is nothing to keep up to date, so a thousand idle
 * devices cost nothing.
 *
 * Registers that say something about a value (model/companion.h) say what the
 * reading's flags need, and by themselves that all is well; a point of the same
 * register that the scenario names goes first.
 *
 * Which addresses exist: those of the unit's points, and gaps between them up
 * to the source's `gap` (16 times that in bit tables), which read as 0; all
 * else is exception 2.  Coils and holding registers can be written; what was
 * written stays and takes precedence over the scenario.
 *
 * Memory: the device owns its lists; site and scenario are borrowed.
 */
#ifndef DAVY_SIMULATORS_SIM_DEVICE_H
#define DAVY_SIMULATORS_SIM_DEVICE_H

#include "base/err.h"
#include "simulators/scenario.h"
#include <stddef.h>
#include <stdint.h>

enum { SIM_PDU_MAX = 253, DEVICE_TABLES = 4 };

/* Addresses [first, last] that exist. */
struct device_span {
    uint32_t first, last;
};

/* What was written to a table, and where. */
struct device_written {
    uint16_t words[65536];
    uint8_t is_written[65536];
};

/* What stands at an address: a point's value, or a register that says something about it. */
struct device_place {
    uint32_t point;
    const struct site_from *from;
    size_t companion; /* which of the point's companions it is; DEVICE_VALUE: none */
};
#define DEVICE_VALUE SIZE_MAX

struct device_area {
    struct device_place *places; /* by address */
    size_t place_count;
    struct device_span *spans;
    size_t span_count;
    struct device_written *written; /* what clients wrote; NULL until they do */
};

struct sim_device {
    const struct site *site;
    const struct scenario *scenario;
    uint8_t unit;
    uint32_t source;                         /* whose faults strike it */
    struct device_area areas[DEVICE_TABLES]; /* by enum mbus_table */
};

/* Makes the unit of a source from the site's points. */
enum err_code sim_device_init(struct sim_device *device, const struct site *site, const struct scenario *scenario,
                              uint32_t source, uint8_t unit, struct err *err) MUST_CHECK;
void sim_device_done(struct sim_device *device);

/* Answers a request of 1..SIM_PDU_MAX bytes at t_ns; returns the answer's length. */
size_t sim_device_answer(struct sim_device *device, int64_t t_ns, const uint8_t *request, size_t len,
                         uint8_t ret_answer[SIM_PDU_MAX]);

/* Gives how many registers (or bits) a reader takes in one request that holds this point, at most `limit`. */
uint32_t sim_device_block(const struct sim_device *device, enum mbus_table table, uint32_t address, uint32_t limit);

#endif
