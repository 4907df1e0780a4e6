// Publishes lines of stdin with mqtt.js, each confirmed before the next: node node_publish.js PORT TOPIC
"use strict";
const mqtt = require("mqtt");

async function main() {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${process.argv[2]}`, { connectTimeout: 5000 });
    const lines = require("fs").readFileSync(0, "utf8").split("\n").filter((line) => line !== "");
    for (const line of lines) {
        await client.publishAsync(process.argv[3], line, { qos: 1 });
    }
    await client.endAsync();
}

main().catch((fault) => {
    console.error(fault);
    process.exit(1);
});
