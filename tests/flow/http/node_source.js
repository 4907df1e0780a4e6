// A browser's EventSource (npm: eventsource): prints each event as a line of JSON, and when it was connected.
const EventSource = require("eventsource");
const kinds = ["raised", "worsened", "eased", "cleared", "blind", "sighted", "acked", "unacked", "shelved", "unshelved",
    "suppressed", "unsuppressed", "out_of_service", "in_service", "commented", "closed", "lost"];
const source = new EventSource(process.argv[2]);
source.onopen = () => console.log("open");
for (const kind of kinds) {
    source.addEventListener(kind, (event) =>
        console.log(JSON.stringify({ kind: event.type, id: event.lastEventId, data: event.data })));
}
