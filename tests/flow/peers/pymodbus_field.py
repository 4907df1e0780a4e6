"""A field of pymodbus: python3 pymodbus_field.py PORT tcp|rtu TABLES.json

TABLES holds {unit: {"co" | "di" | "hr" | "ir": {address: word}}}; addresses that are not in it are refused with exception
2, a unit that is not in it with exception 11, and every request to a unit called "broken" (a number in the list) with 4.
"""

import json
import sys
import types

for name in ("serial", "serial_asyncio"):  # wanted at import, for serial lines only
    sys.modules.setdefault(name, types.SimpleNamespace(create_serial_connection=None))
from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock  # noqa: E402
from pymodbus.framer.rtu_framer import ModbusRtuFramer  # noqa: E402
from pymodbus.framer.socket_framer import ModbusSocketFramer  # noqa: E402
from pymodbus.server import StartTcpServer  # noqa: E402


class Broken(ModbusSparseDataBlock):
    def getValues(self, address, count=1):
        raise RuntimeError("this device is broken")


def block(words, kind):
    return kind({int(address): word for address, word in words.items()} or {65535: 0})


with open(sys.argv[3], encoding="utf-8") as text:
    tables = json.load(text)
slaves = {}
for unit, areas in tables["units"].items():
    kind = Broken if int(unit) in tables.get("broken", []) else ModbusSparseDataBlock
    slaves[int(unit)] = ModbusSlaveContext(zero_mode=True, **{area: block(areas.get(area, {}), kind)
                                                              for area in ("co", "di", "hr", "ir")})
StartTcpServer(context=ModbusServerContext(slaves=slaves, single=False), address=("127.0.0.1", int(sys.argv[1])),
               allow_reuse_address=True, framer=ModbusRtuFramer if sys.argv[2] == "rtu" else ModbusSocketFramer)
