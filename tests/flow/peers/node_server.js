// A device of modbus-serial: node node_server.js PORT TABLES.json, as pymodbus_field.py has them.
"use strict";
const fs = require("fs");
const ModbusRTU = require("modbus-serial");

const units = JSON.parse(fs.readFileSync(process.argv[3], "utf8")).units;

function find(unit, area, address) {
    const word = ((units[unit] || {})[area] || {})[address];
    if (word === undefined) {
        const fault = new Error("no such address");
        fault.modbusErrorCode = 2;
        throw fault;
    }
    return word;
}

const server = new ModbusRTU.ServerTCP({
    getInputRegister: (address, unit) => find(unit, "ir", address),
    getHoldingRegister: (address, unit) => find(unit, "hr", address),
    getCoil: (address, unit) => find(unit, "co", address) !== 0,
    getDiscreteInput: (address, unit) => find(unit, "di", address) !== 0,
}, { host: "127.0.0.1", port: Number(process.argv[2]), unitID: 255 });
server.on("initialized", () => console.log("ready"));
server.on("serverError", (fault) => {
    console.error(fault);
    process.exit(1);
});
