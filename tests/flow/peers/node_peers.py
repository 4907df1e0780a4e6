"""Peers from npm: modbus-serial asks the simulated field and is a field for Davy, mqtt.js is a gateway."""

import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
import outside
from fields import Field, all_come, point, simulated, site, tcp
from flow import equal, wait_until

NODE = outside.need_npm()


def node(script, *words, stdin=""):
    done = subprocess.run([NODE, os.path.join(outside.HERE, script), *words], input=stdin, capture_output=True, text=True,
                          timeout=60, check=False, env=outside.node_environment())
    equal(done.returncode, 0, f"{script}: {done.stderr}: exit code")
    return done.stdout


def test_a_client_asks_the_simulated_field(stage):
    for framing, kind in (("tcp", "modbus-tcp"), ("rtu", "modbus-rtu-tcp")):
        port = flow.free_port()
        points = [point("i", "plc", "input", 0, type="u16"), point("f", "plc", "input", 1, type="f32", order="ABCD"),
                  point("h", "plc", "holding", 9, type="u16"), point("c", "plc", "coil", 4),
                  point("d", "plc", "discrete", 5)]
        simulator = simulated(stage, points, {"plc": {"type": kind, "host": "127.0.0.1", "port": port}},
                          values={"i": {"base": 4711}, "f": {"base": -1.25}, "h": {"base": 123}, "c": {"base": 1},
                                  "d": {"base": 1}})
        told = json.loads(node("node_client.js", str(port), framing))
        equal(told, {"input": [4711, *outside.registers("f32", "ABCD", -1.25)], "float": -1.25, "holding": [123],
                     "coil": True, "discrete": True, "absent": 2, "written": [77], "coilWritten": False}, framing)
        equal(simulator.end(), 0, "exit code")


def test_davy_reads_its_server(stage):
    theirs, port = Field("f"), flow.free_port()
    theirs.add_all(random.Random(os.environ.get("DAVY_SEED", "1")))
    tables = stage.write("tables.json", {"units": theirs.units})
    server = stage.start("modbus-serial", NODE, os.path.join(outside.HERE, "node_server.js"), str(port), tables,
                         env=outside.node_environment())
    server.wait_line("ready", lines=server.out)
    stage.write("site.json", site({"f": tcp("modbus-tcp", port)}, theirs.points))
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("state=running")
    all_come(stage, monitor, [theirs])
    equal(monitor.end(), 0, "exit code")


def test_a_gateway_of_mqtt_js(stage):
    """Not one of its confirmed messages is missing, nor in the store twice."""
    messages = 200
    broker = stage.broker()
    stage.write("site.json", {"site": {"id": "s"}, "store": {"path": "data"}, "points": [{"id": "p", "from": {"source": "gw",
                "key": "k"}}], "sources": {"gw": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{broker.port}", "topics": ["t"]}}})
    monitor = stage.davy("run", "site.json")
    monitor.wait_line("ING-011 source=gw")
    lines = [json.dumps({"time": 1767571200000 + i, "seq": i, "values": {"k": i / 8}}) for i in range(messages)]
    node("node_publish.js", str(broker.port), "t", stdin="\n".join(lines))

    def came():
        out, _ = stage.run("query", "site.json", "p", "--from", "1767571200000", "--to", "1767571300000")
        return [line.split(",")[1] for line in out.splitlines()[1:]]

    wait_until(lambda: len(came()) >= messages, "all messages to be stored")
    equal([float(value) for value in came()], [i / 8 for i in range(messages)], "values")
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    flow.main(globals())
