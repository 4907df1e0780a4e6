/*
 * mqtt_rig: what the benchmarks of MQTT share: a folder, a broker on a free
 * port, programs, and a client that speaks just enough of MQTT 3.1.1 over a
 * blocking socket, so that its own cost is small and the same for all it
 * measures.
 *
 * Whatever fails ends the benchmark with a line on stderr.  Main thread.
 */
#ifndef DAVY_TESTS_BENCH_MQTT_RIG_H
#define DAVY_TESTS_BENCH_MQTT_RIG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RIG_DEADLINE_MS = 20000 };

extern char rig_folder[];
extern uint16_t rig_broker_port;

_Noreturn void rig_die(const char *what);

/* Makes the folder and starts a broker that keeps nothing back. */
void rig_open(void);
/* Ends the broker and removes the folder. */
void rig_close(void);
/* Starts `davy run` (beside this program) on a site file of this text; `broker` in it stands for the broker's url. */
pid_t rig_start_davy(const char *self, const char *site);
/* In a child that was forked: it ends when the benchmark does, whatever ends that. */
void rig_end_with_parent(void);
/* Ends a program by its number. */
void rig_end(pid_t pid);

int rig_connect(const char *client_id);
void rig_subscribe(int fd, const char *topic);
/* Writes one PUBLISH packet (id 0: QoS 0) and gives its length; there is room for topic, payload and 10 bytes more. */
size_t rig_packet(uint8_t *to, const char *topic, const char *payload, size_t payload_len, uint16_t id);
void rig_publish(int fd, const char *topic, const char *payload, uint16_t id);
void rig_read(int fd, void *bytes, size_t len);
/* Reads packets until a PUBLISH; receipts of our own messages are passed over. */
void rig_await(int fd);

#endif
