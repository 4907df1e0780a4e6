// Reads and writes a simulated device with modbus-serial: node node_client.js PORT tcp|rtu; prints one JSON object.
// What modbus-serial calls "telnet" is RTU over TCP; its "TcpRTUBuffered" has the header of Modbus TCP.
"use strict";
const ModbusRTU = require("modbus-serial");

async function refused(promise) {
    try {
        await promise;
    } catch (fault) {
        return fault.modbusCode;
    }
    return null;
}

async function main() {
    const client = new ModbusRTU();
    const port = { port: Number(process.argv[2]) };
    await (process.argv[3] === "rtu" ? client.connectTelnet("127.0.0.1", port) : client.connectTCP("127.0.0.1", port));
    client.setID(3);
    client.setTimeout(2000);
    const told = {
        input: (await client.readInputRegisters(0, 3)).data,
        float: (await client.readInputRegisters(1, 2)).buffer.readFloatBE(0),
        holding: (await client.readHoldingRegisters(9, 1)).data,
        coil: (await client.readCoils(4, 1)).data[0],
        discrete: (await client.readDiscreteInputs(5, 1)).data[0],
        absent: await refused(client.readHoldingRegisters(4000, 1)),
    };
    await client.writeRegisters(9, [77]);
    told.written = (await client.readHoldingRegisters(9, 1)).data;
    await client.writeCoil(4, false);
    told.coilWritten = (await client.readCoils(4, 1)).data[0];
    client.close(() => {});
    console.log(JSON.stringify(told));
}

main().catch((fault) => {
    console.error(fault);
    process.exit(1);
});
