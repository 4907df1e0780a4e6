/*
 * site_url: addresses as a site file writes them.  Pure functions over text.
 */
#ifndef DAVY_MODEL_SITE_URL_H
#define DAVY_MODEL_SITE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Splits "host:port", "[v6]:port", or with default_port also without the port.  Gives where in text the host stands
 * (without brackets).  Gives a reason, or NULL when it is well. */
const char *site_split_host(const char *text, int32_t default_port, const char **ret_host, size_t *ret_host_len,
                            uint16_t *ret_port);

/* Writes mqtt://host:port or mqtts://host:port with the port filled in.  Gives a reason, or NULL when it is well. */
enum { SITE_URL_MAX = 400 };
const char *site_mqtt_url(const char *text, char ret_url[SITE_URL_MAX], bool *ret_tls);

/* Looks at http://host[:port][/path] or https://…: a fault, or NULL. */
const char *site_http_fault(const char *text, bool *ret_tls);

/* Says what is wrong with an MQTT topic filter; NULL: nothing. */
const char *site_topic_fault(const char *filter);

/* Says what is wrong with a JSON pointer (RFC 6901); NULL: nothing. */
const char *site_pointer_fault(const char *pointer);

#endif
