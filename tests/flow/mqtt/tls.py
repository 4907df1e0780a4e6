"""Encrypted brokers: who is trusted, who is not, and what the operator is told. Certificates are made here by openssl."""

import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import flow
from flow import equal, require, wait_until


class Authority:
    """A certificate authority of its own and what it signs."""

    def __init__(self, stage, name):
        self.stage, self.name = stage, name
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}")

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.stage.folder, capture_output=True, check=False, timeout=30)
        require(done.returncode == 0, f"openssl {words[0]}: {done.stderr.decode()}")

    def sign(self, name, names="IP:127.0.0.1", expired=False):
        """Makes <name>.pem and <name>.key; expired: it was good for a day, ten days ago."""
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                     "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.stage.write(f"{name}.ext", f"subjectAltName={names}\n")
        if not expired:
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key",
                         "-CAcreateserial", "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext")
            return
        self.stage.write("ca.conf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nserial=serial.txt\n"
                                    "default_md=sha256\npolicy=p\nrand_serial=yes\n[p]\ncommonName=supplied\n")
        self.stage.write("index.txt", "")
        day = [time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - d * 86400)) for d in (10, 9)]
        self.openssl("ca", "-batch", "-config", "ca.conf", "-in", f"{name}.csr", "-cert", f"{self.name}.pem", "-keyfile",
                     f"{self.name}.key", "-out", f"{name}.pem", "-startdate", day[0], "-enddate", day[1], "-notext",
                     "-extfile", f"{name}.ext")


def listener(port, server, more=""):
    return (f"listener {port} 127.0.0.1\ncafile ours.pem\ncertfile {server}.pem\nkeyfile {server}.key\n"
            f"set_tcp_nodelay true\n{more}")


def set_up(stage):
    """One broker: plain, with a certificate, wanting one, and two whose certificate does not hold."""
    ours = Authority(stage, "ours")
    Authority(stage, "theirs")
    ours.sign("broker")
    ours.sign("davy", "DNS:davy")
    ours.sign("old-davy", "DNS:davy", expired=True)
    ours.sign("old-broker", expired=True)
    ours.sign("elsewhere", "DNS:elsewhere.example")
    stage.write("passwords", "")
    subprocess.run(["mosquitto_passwd", "-b", stage.path("passwords"), "davy", "secret"], check=True, timeout=20)
    ports = {name: flow.free_port() for name in ("tls", "wants", "old", "elsewhere")}
    conf = listener(
        ports["tls"], "broker", f"allow_anonymous false\npassword_file {stage.path('passwords')}\n")
    conf += listener(ports["wants"], "broker", "require_certificate true\nuse_identity_as_username true\n"
                                               "allow_anonymous true\n")
    conf += listener(ports["old"], "old-broker", "allow_anonymous true\n")
    conf += listener(ports["elsewhere"], "elsewhere", "allow_anonymous true\n")
    os.chdir(stage.folder)  # mosquitto takes the names of files from where it was started
    for name in os.listdir(stage.folder):
        os.chmod(stage.path(name), 0o644)  # it leaves root's rights behind
    ports["plain"] = stage.broker(first="per_listener_settings true\n", extra=conf).port
    return ports


def site(source, sink):
    return {"site": {"id": "s"},
            "sources": {"gw": dict({"type": "mqtt", "topics": ["in"]}, **source)},
            "points": [{"id": "p", "from": {"source": "gw", "key": "p"}}],
            "rules": [{"id": "r", "levels": [{"level": "red", "when": "value > 5"}]}],
            "sinks": {"centre": dict({"type": "mqtt"}, **sink)}, "store": {"path": "data"}}


def url(ports, name):
    return f"{'mqtt' if name == 'plain' else 'mqtts'}://127.0.0.1:{ports[name]}"


OURS = {"ca": "ours.pem"}
CERTIFICATE = {"cert": "davy.pem", "key": "davy.key"}


def test_a_message_comes_and_an_event_leaves_encrypted(stage):
    """The source by user and password, the sink by a client certificate; the other way round afterwards."""
    ports = set_up(stage)
    centre = stage.subscriber(ports["plain"], "davy/v1/s/events/#")
    by_password = dict({"url": url(ports, "tls"), "user": "davy", "password": "secret"}, **OURS)
    by_certificate = dict({"url": url(ports, "wants")}, **OURS, **CERTIFICATE)
    for i, (source, sink) in enumerate(((by_password, by_certificate), (by_certificate, by_password))):
        stage.write("site.json", dict(site(source, sink), store={"path": f"data-{i}"}))
        monitor = stage.davy("run", "site.json")
        monitor.wait_line("ING-011 source=gw")
        monitor.wait_line("ALT-021 sink=centre")
        heard = len(centre.out)

        def publish_until_heard():
            stage.publish(ports["plain"], "in", {"time": int(time.time() * 1000), "values": {"p": 9}})
            return any('"event":"raised"' in line for line in centre.out[heard:])

        wait_until(publish_until_heard, "the event of an encrypted message")
        equal(monitor.end(), 0, "exit code")


def refusals(stage, ports):
    """(where, settings, what the operator is told)"""
    files = {"ca": "theirs.pem"}
    yield "tls", dict(files, user="davy", password="secret"), "certificate does not hold"
    yield "old", OURS, "certificate does not hold: .*expired"
    yield "elsewhere", OURS, "for another host"
    yield "wants", OURS, "client certificate"
    yield "wants", dict(OURS, cert="old-davy.pem", key="old-davy.key"), "client certificate"
    yield "wants", dict(OURS, cert="davy.pem", key="old-davy.key"), "client certificate"
    yield "tls", dict(OURS, user="davy", password="wrong"), "user (and|or) password|not authorised|does not allow"


def test_who_is_not_trusted_is_refused_with_the_reason(stage):
    """Nothing is taken from or given to a broker whose certificate does not hold; each time the log says why."""
    ports = set_up(stage)
    for i, (name, settings, reason) in enumerate(refusals(stage, ports)):
        broker = dict({"url": url(ports, name)}, **settings)
        stage.write("site.json", dict(site(broker, broker), store={"path": f"data-{i}"}))
        monitor = stage.davy("run", "site.json")
        monitor.wait_line(rf'ING-010 source=gw .*reason="[^"]*({reason})')
        monitor.wait_line(rf'ALT-020 sink=centre .*reason="[^"]*({reason})')
        require(not any("ING-011" in line or "ALT-021" in line for line in monitor.err), f"no connection: {reason}")
        equal(monitor.end(), 0, "exit code")


def test_a_port_that_does_not_speak_tls_is_named(stage):
    ports = set_up(stage)
    broker = dict({"url": f"mqtts://127.0.0.1:{ports['plain']}"}, **OURS)
    stage.write("site.json", site(broker, broker))
    monitor = stage.davy("run", "site.json")
    monitor.wait_line(r"ING-010 source=gw .*reason=", 30)
    equal(monitor.end(), 0, "exit code")


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("skipped: openssl is not installed")
        sys.exit(flow.SKIPPED)
    flow.main(globals())
