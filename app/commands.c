/*
 * commands: what `davy` can be asked to do.  The help texts here are what
 * --help prints and what the manual pages in docs/man are made of.
 */
#include "app/command.h"

#define ACT_HELP(what)                                                                                                 \
    what "\nSent to the running monitor; refused with the reason when it cannot be done or no monitor runs.\n"         \
         "The act is journalled with name, time, occurrence and level, and becomes an event of the feed.\n"

const struct command davy_commands[] = {
    {"run", cmd_run, "run SITE [--drill | --test] [--shards N] [--seconds N] [--summary] [--record FILE]",
     "Runs the monitor: reads the field, judges every sample, stores it, keeps the alarms and feeds the sinks.\n"
     "Stops cleanly on SIGINT or SIGTERM: everything taken in is judged, stored and journalled first.  Exit code 3\n"
     "when the disk took nothing for seconds and what waited for it was lost.\n"
     "  --drill      marks all events as \"exercise\"\n"
     "  --test       marks all events as \"test\"\n"
     "  --shards N   judges on N threads of their own (default 1, together with the field bus)\n"
     "  --seconds N  stops by itself after N seconds\n"
     "  --summary    prints samples, alarms by level and latency on stderr at the end\n"
     "  --record FILE\n"
     "               writes all that goes over the wires of the field, with its times, to a new file, for\n"
     "               \"davy-sim run SITE --replay-wire FILE\"\n"
     "Where the site says http.listen, it serves points, samples, alarms, acts, events and metrics over HTTP.\n"},
    {"check", cmd_check, "check SITE [--plan] [--sample FILE --source ID [--topic T]]",
     "Reads the site and everything it names and prints all mistakes, each as \"file: path: fact; hint\" on stderr.\n"
     "Exit code 2 if there is any.  A line that begins with \"note:\" is none; it says what may surprise, such as a\n"
     "window that a restart cannot fill again because its samples are not kept for so long.\n"
     "  --plan  also tells what a reload (SIGHUP) or a restart with this file would do to what the store holds: rules\n"
     "          that go on, rules whose alarms are judged anew, alarms that are closed; changes nothing\n"
     "  --sample FILE  shows what the MQTT payload in FILE (\"-\": standard input) becomes: point, value, status and\n"
     "                 time of each sample, and each part that would be set aside with reason and byte offset; exit\n"
     "                 code 1 when there is one.  Nothing is stored; range, late and skew are judged by the monitor\n"
     "  --source ID    the MQTT source whose format, map and points read it\n"
     "  --topic T      whether the source hears of messages on this topic; exit code 1 when it does not.  A Sparkplug\n"
     "                 message needs its topic; data by alias means nothing without its birth and is set aside\n"},
    {"replay", cmd_replay,
     "replay SITE TRACE... [--expect FILE | --against OTHER_SITE [--format table|ndjson]] [--shards N]",
     "Runs recorded samples through the same engine on a virtual clock.  Events come as NDJSON on stdout, a one-line\n"
     "summary on stderr.  \"-\" reads the trace from standard input.  The same trace gives the same bytes, always.\n"
     "  --expect FILE  compares the events with FILE: a readable difference and exit code 1 when they differ\n"
     "  --against OTHER_SITE\n"
     "                 judges the same rows by both sites and prints, in place of the events, which events OTHER_SITE\n"
     "                 adds, loses, or has earlier, later or at another level, and the operator load of both; exit\n"
     "                 code 1 when anything differs.  A row whose point a site does not know is not given to that "
     "site\n"
     "  --format F     how --against prints: table (default) or ndjson\n"
     "  --shards N     judges in N shards; the bytes are the same for every N\n"},
    {"test", cmd_test, "test FILE...",
     "Runs rule tests: cases with input and the events to expect.  A failure prints what came beside what was\n"
     "expected; exit code 1 when any case fails.\n"},
    {"query", cmd_query,
     "query SITE POINT... --from T --to T [--every 1m --agg mean,min,max,count,first,last] [--last] [--provenance] "
     "[--changes] [--format csv|ndjson]",
     "Prints stored samples, or aggregates over buckets that start at whole multiples of --every since 1970 UTC.\n"
     "Works while a monitor holds the store.  Times: RFC 3339, Unix milliseconds, now, now-2h.  From is included, to\n"
     "is not; the defaults are now-1h and now.\n"
     "A POINT with * or ? stands for all points of the site that match.  With several points, or a pattern, a column\n"
     "point follows the time; one point comes after the other.\n"
     "  --every D     any step; whole minutes and hours are quick, and answered also when the samples are gone\n"
     "  --agg A,…     mean, min, max, count, first, last, and status: every flag that a sample of the bucket had\n"
     "  --last        the newest reading of each point, of all without POINT\n"
     "  --provenance  for each sample when it was received, from which source, unit id and register it came, what the\n"
     "                device sent (empty where the value does not tell) and the scaling that was in force then\n"
     "  --changes     what was changed about the site, by whom and when: each point and rule as it is since then; of\n"
     "                all time unless --from or --to say otherwise, of those points and rules whose ids are given\n"},
    {"import", cmd_import, "import SITE TRACE...",
     "Loads recorded samples into the store as history, also while the monitor runs.  They can be queried and "
     "exported\n"
     "like all others but raise nothing and never become a point's newest reading.  Importing the same again changes\n"
     "nothing: of samples of one point and time the last written counts.  Broken rows are set aside, told with file "
     "and\n"
     "line, and counted.  \"-\" reads a trace from standard input.\n"},
    {"export", cmd_export, "export SITE --from T --to T [--points GLOB] [--format trace|csv]",
     "Prints a stretch of history as a trace: samples with a time from --from (included) to --to (not included), of "
     "all\n"
     "points or of those whose id matches GLOB.  Without --from or --to all there is on that side.  Works while a "
     "monitor\n"
     "holds the store.\n"
     "  --points GLOB    * is any run of characters, ? is one\n"
     "  --format trace   in the order of receipt, with the time of receipt in a column seen: replaying it gives the\n"
     "                   events of the live run (default)\n"
     "  --format csv     in the order of time\n"},
    {"alarms", cmd_alarms, "alarms SITE [--history | --kpi [--from T --to T]] [--all] [--format table|ndjson]",
     "Prints the current alarms, the worst first, or with --history the journal of events.  Works while a monitor\n"
     "runs.  Shelved, suppressed and out-of-service alarms are shown with --all only.\n"
     "  --kpi  prints what the alarms of a stretch asked of the operator, in the figures of ISA-18.2 and EEMUA 191;\n"
     "         by default from the first event of the journal to now\n"},
    {"explain", cmd_explain, "explain SITE ALARM [--occurrence N]",
     "Tells why an alarm fired and what it waits for: judges the stored samples once more and prints each change of a\n"
     "condition with the sample that caused it, each delay, each level entered and left, and between them what the\n"
     "journal says: raised, acknowledged, shelved, suppressed and by what.  Then where each condition stands and how far\n"
     "the value is from the limit.  Works while a monitor runs.\n"
     "  --occurrence N  another one than the last\n"},
    {"ack", cmd_act, "ack SITE ALARM --by NAME [--comment TEXT] [--occurrence N] [--level L]",
     ACT_HELP("Acknowledges an alarm at the level it has now, or at the occurrence and level named.")},
    {"shelve", cmd_act, "shelve SITE ALARM --by NAME --comment TEXT --for 30m | --until TIME",
     ACT_HELP("Shelves an alarm: it is judged and journalled, not announced, until the end given.")},
    {"unshelve", cmd_act, "unshelve SITE ALARM --by NAME [--comment TEXT]", ACT_HELP("Ends a shelf before its time.")},
    {"comment", cmd_act, "comment SITE ALARM --by NAME --comment TEXT", ACT_HELP("Adds a comment to an alarm.")},
    {"close", cmd_act, "close SITE ALARM --by NAME --cause TEXT --measure TEXT [--comment TEXT]",
     ACT_HELP("Closes the papers of an alarm's occurrence with its cause and the measure taken.")},
    {"out-of-service", cmd_act, "out-of-service SITE ALARM --by NAME [--comment TEXT]",
     ACT_HELP("Takes an alarm out of service: judged and journalled, not announced.")},
    {"in-service", cmd_act, "in-service SITE ALARM --by NAME [--comment TEXT]",
     ACT_HELP("Puts an alarm back into service.")},
    {"probe", cmd_probe,
     "probe modbus://HOST[:PORT] [--unit 1] [--table input] [--address 0] [--count 4] [--timeout 2s]",
     "Reads registers, coils or discrete inputs of one device once and shows what they may mean: every 16-bit value,\n"
     "its bits, and from each address on every 32- and 64-bit type in every byte order.  What stands in a column is\n"
     "what a point with that type and order would get before scale and offset.  A * marks what looks like a measured\n"
     "value: a float from 0.001 up to a million, a 16-bit number of up to 4 digits, a longer one of up to 6 digits.\n"
     "  --unit N       unit id, 0 to 255 (default 1)\n"
     "  --table T      input, holding, coil or discrete (default input)\n"
     "  --address N    the first, counted from 0 as on the wire (default 0)\n"
     "  --count N      how many, at most 125 registers or 2000 bits (default 4)\n"
     "  --timeout D    how long connecting and the answer may take (default 2s)\n"
     "Exit code 1 when the device refuses the request, 3 when it cannot be reached or does not answer.\n"},
    {"stat", cmd_stat, "stat SITE [--format table|ndjson]", "Prints the live counters of a running monitor.\n"},
    {"backup", cmd_backup, "backup SITE DIR",
     "Copies the whole store, samples, journal and alarms, as it stands at one moment, into DIR, which must be absent or\n"
     "empty.  Works while the monitor runs and does not hold it up.  On the same disk the tables are shared, so the copy\n"
     "is quick and small: for safety put DIR on another disk.\n"},
    {"restore", cmd_restore, "restore DIR SITE",
     "Makes the site's store from a backup.  Refuses a store that is not empty, and a backup of another site.  All of it\n"
     "is verified before it is put in place; exit code 1 when something in it is damaged.\n"},
    {"verify", cmd_verify, "verify SITE",
     "Checks the whole store: checksums, block invariants, the journal's hash chain.  Prints each damage with its\n"
     "place; exit code 1 when something is damaged or missing, also when the store cannot be opened because of it,\n"
     "2 when there is no store yet, 3 when it may not be read.\n"},
};

const size_t davy_command_count = sizeof davy_commands / sizeof *davy_commands;
