// zigbee-herdsman as the host of a coordinator, and as the OTA server of devices
// that it knows from the start. One argument, JSON:
//
//   {"adapter": "zstack"|"ember"|"deconz", "path": "/dev/..."|"tcp://...",
//    "folder": DIR, "image": FILE, "coordinator": EUI64, "manufacturer": N,
//    "devices": [{"eui64": ..., "nwk": N}], "delay": MS, "block": N,
//    "tries": N}
//
// EUI64s are 16 hexadecimal digits. A JSON value a line comes out: {"started": MS},
// then {"updated": EUI64} or {"failed": EUI64, "why": ...} for each device, then
// {"ended": true}.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const {Controller, setLogger} = require("zigbee-herdsman");

const HA = 260;
const OTA = 25;
const TIMEOUT_MS = 150000;

const job = JSON.parse(process.argv[2]);
const say = (value) => fs.writeSync(1, JSON.stringify(value) + "\n");
const text = (level) => (message, name) =>
	fs.writeSync(2, `${level} ${name}: ${message}\n`);
const none = () => {};
const loud = job.debug ? text : () => none;

setLogger({debug: loud("debug"), info: loud("info"), warning: text("warning"),
	error: text("error")});

// A row of its database: a device whose interview is long over.
function row(id, type, eui64, nwk, deviceId, inputs, outputs) {
	const endpoint = {profId: HA, epId: 1, devId: deviceId,
		inClusterList: inputs, outClusterList: outputs, clusters: {},
		binds: [], configuredReportings: [], meta: {}};

	return JSON.stringify({id, type, ieeeAddr: "0x" + eui64, nwkAddr: nwk,
		manufId: job.manufacturer, epList: [1],
		endpoints: {1: endpoint}, interviewCompleted: true,
		interviewState: "SUCCESSFUL", meta: {}});
}

function database() {
	const rows = [row(1, "Coordinator", job.coordinator, 0, 5, [], [])];

	job.devices.forEach((d, i) => rows.push(
		row(i + 2, "Router", d.eui64, d.nwk, 256, [0], [OTA])));
	return rows.join("\n") + "\n";
}

const inside = (name) => path.join(job.folder, name);

fs.writeFileSync(inside("database.db"), database());
const controller = new Controller({
	transport: {path: job.path, baudRate: 115200, rtscts: false,
		adapter: job.adapter},
	network: {panID: 0x1a62, channelList: [11],
		extendedPanID: Array(8).fill(0xdd),
		networkKey: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12,
			13]},
	adapter: {}, databasePath: inside("database.db"),
	backupPath: inside("backup.json"),
	acceptJoiningDeviceHandler: async () => true});

async function update(eui64) {
	const device = controller.getDeviceByIeeeAddr("0x" + eui64);
	const result = await device.updateOta({url: job.image}, undefined,
		undefined, {}, none, {requestTimeout: TIMEOUT_MS,
			responseDelay: job.delay, baseSize: job.block});

	if (!result[1])
		throw new Error("nothing newer");
}

async function updateOrSay(eui64) {
	for (let i = 1;; i++) {
		try {
			await update(eui64);
			return say({updated: eui64});
		} catch (error) {
			if (i >= (job.tries || 1))
				return say({failed: eui64,
					why: String(error.message)});
		}
	}
}

(async () => {
	const from = Date.now();

	await controller.start();
	say({started: Date.now() - from});
	await Promise.all(job.devices.map((d) => updateOrSay(d.eui64)));
	say({ended: true});
	await controller.stop();
	process.exit(0);
})().catch((error) => {
	text("error")(error.stack, "host");
	process.exit(1);
});
