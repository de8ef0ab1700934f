// The ZCL codec of zigbee-herdsman, a JSON value a line in and out.
//
//   {"read": HEX, "cluster": "genOta"}                        -> what it says
//   {"write": COMMAND, "cluster": ..., "specific": true, "server": false,
//    "ddr": false, "tsn": 1, "payload": {...}}                -> {"frame": HEX}
//
// Bytes are hexadecimal text behind "hex:", in both directions.
"use strict";
const readline = require("node:readline");
const {Zcl} = require("zigbee-herdsman");

const encode = (v) =>
	Buffer.isBuffer(v) ? "hex:" + v.toString("hex") :
	Array.isArray(v) ? v.map(encode) :
	v && typeof v === "object" ? Object.fromEntries(
		Object.entries(v).map(([k, x]) => [k, encode(x)])) :
	typeof v === "bigint" ? Number(v) : v;
const decode = (v) =>
	typeof v === "string" && v.startsWith("hex:") ?
		Buffer.from(v.slice(4), "hex") :
	Array.isArray(v) ? v.map(decode) :
	v && typeof v === "object" ? Object.fromEntries(
		Object.entries(v).map(([k, x]) => [k, decode(x)])) : v;

function read(q) {
	const cluster = Zcl.Utils.getCluster(q.cluster, undefined, {});
	const bytes = Buffer.from(q.read, "hex");
	const frame = Zcl.Frame.fromBuffer(cluster.ID,
		Zcl.Header.fromBuffer(bytes), bytes, {});
	const control = frame.header.frameControl;

	return {
		name: frame.command.name,
		specific: control.frameType === Zcl.FrameType.SPECIFIC,
		server: control.direction === Zcl.Direction.SERVER_TO_CLIENT,
		ddr: control.disableDefaultResponse,
		manufacturer: control.manufacturerSpecific,
		tsn: frame.header.transactionSequenceNumber,
		payload: encode(frame.payload),
	};
}

function write(q) {
	const cluster = Zcl.Utils.getCluster(q.cluster, undefined, {});
	const frame = Zcl.Frame.create(
		q.specific ? Zcl.FrameType.SPECIFIC : Zcl.FrameType.GLOBAL,
		q.server ? Zcl.Direction.SERVER_TO_CLIENT :
			Zcl.Direction.CLIENT_TO_SERVER,
		q.ddr, q.manufacturer, q.tsn, q.write, cluster,
		decode(q.payload), {});

	return {frame: frame.toBuffer().toString("hex")};
}

readline.createInterface({input: process.stdin}).on("line", (line) => {
	const q = JSON.parse(line);
	let answer;

	try {
		answer = q.read === undefined ? write(q) : read(q);
	} catch (e) {
		answer = {error: String(e)};
	}
	console.log(JSON.stringify(answer));
});
