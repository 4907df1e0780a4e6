/*
 * sink: makes the sink of a type.  What a sink does stands in sink_<type>.c.
 */
#include "alerting/sink.h"
#include "alerting/sink_inside.h"

enum err_code sink_new(const struct sink_config *config, struct sink **ret_sink, struct err *err)
{
    switch (config->sink->type) {
    case SINK_MQTT:
        return sink_mqtt_new(config, ret_sink, err);
    case SINK_FILE:
        return sink_file_new(config, ret_sink, err);
    case SINK_WEBHOOK:
        return sink_webhook_new(config, ret_sink, err);
    case SINK_CAP:
        return sink_cap_new(config, ret_sink, err);
    }
    return err_set(err, ERR_INPUT, "sink %s is of no type that is known", config->sink->id);
}

void sink_free(struct sink *sink)
{
    if (sink != NULL) {
        sink->free(sink);
    }
}

struct agent sink_agent(struct sink *sink)
{
    return sink->agent;
}
