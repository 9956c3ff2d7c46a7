import { expect } from "chai";
import fc from "fast-check";
import { FailureError } from "../../../ipc/errors.ts";
import type { Failure } from "../../../ipc/errors.ts";
import { encodeFrame, FrameDecoder, frameBytesMax } from "../../../ipc/frames.ts";
import { nestingMax, valuesMax } from "../../../ipc/messagePack.ts";

type Decoded = { readonly values: unknown[]; readonly problem: Failure | null };

function decode(...chunks: readonly Uint8Array[]): Decoded {
  const decoder = new FrameDecoder();
  const values: unknown[] = [];
  let problem: Failure | null = null;
  for (const chunk of chunks) problem = decoder.push(chunk, (value) => values.push(value));
  return { values, problem };
}

/** A frame around bytes that the encoder would not make. */
function frameOf(body: Uint8Array | readonly number[]): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, Buffer.from(body)]);
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])];
  places.sort((one, other) => one - other);
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
}

function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (Array.isArray(value)) return value.every(isPlain);
  if (value instanceof Uint8Array) return true;
  const isRecord = Object.getPrototypeOf(value) === Object.prototype;
  return isRecord && Object.values(value).every(isPlain);
}

const sendable = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string({ unit: "grapheme", maxLength: 80 }),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ maxLength: 40 }).filter((key) => key !== "__proto__"),
      tie("value"),
      { noNullPrototype: true, maxKeys: 5 },
    ),
  ),
})).value;

describe("frames", () => {
  it("give back what was put in, however the bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(sendable, { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (values, cuts) => {
          const bytes = Buffer.concat(values.map(encodeFrame));
          const decoded = decode(...split(bytes, cuts));
          expect(decoded.problem).to.equal(null);
          expect(decoded.values).to.deep.equal(JSON.parse(JSON.stringify(values)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("give back bytes as bytes that later frames do not overwrite", () => {
    const frames = [1, 2, 3].map((fill) => encodeFrame({ chunk: new Uint8Array(300).fill(fill) }));
    const bytes = Buffer.concat(frames);
    const { values } = decode(...split(bytes, [7, 150, 400, 620]));
    const fills = values.map((value) => {
      const { chunk } = value as { chunk: Uint8Array };
      expect(chunk).to.be.instanceOf(Uint8Array);
      expect(chunk.length).to.equal(300);
      return new Set(chunk);
    });
    expect(fills).to.deep.equal([new Set([1]), new Set([2]), new Set([3])]);
  });

  it("carry integers exactly up to 2^53 and undefined as null", () => {
    const numbers = [0, -1, 127, 128, 2 ** 32, -(2 ** 31) - 1, Date.now(), Number.MAX_SAFE_INTEGER];
    const { values } = decode(encodeFrame([numbers, undefined, { absent: undefined }]));
    expect(values).to.deep.equal([[numbers, null, { absent: null }]]);
  });

  it("take 64-bit integers of other MessagePack writers as numbers, and refuse those beyond 2^53", () => {
    const exact = [0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    expect(decode(frameOf(exact)).values).to.deep.equal([Number.MAX_SAFE_INTEGER]);
    const negative = [0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe];
    expect(decode(frameOf(negative)).values).to.deep.equal([-2]);
    const beyond = [0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1];
    expect(decode(frameOf(beyond)).problem?.message).to.contain("beyond 2^53");
  });

  it("keep maps of more than 65,535 keys whole", () => {
    const map = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`key${i}`, i]));
    expect(decode(encodeFrame(map)).values).to.deep.equal([map]);
  });

  it("refuse a length beyond the limit as soon as the header is there", () => {
    const header = Buffer.from([0x00, 0x80, 0x00, 0x01]);
    for (const chunks of [[header], split(header, [1, 2, 3])]) {
      const { values, problem } = decode(...chunks);
      expect(values).to.deep.equal([]);
      expect(problem?.code).to.equal("limit");
    }
  });

  it("take a frame of exactly the limit", () => {
    const value = "x".repeat(frameBytesMax - 5);
    expect(decode(encodeFrame(value)).values).to.deep.equal([value]);
    expect(() => encodeFrame(`${value}x`)).to.throw(FailureError, "larger than");
  });

  it("do not go on after a problem, not even with good frames", () => {
    const { values, problem } = decode(encodeFrame(1), frameOf([0xc1]), encodeFrame(2));
    expect(values).to.deep.equal([1]);
    expect(problem?.code).to.equal("invalid_request");
  });

  it(`nest ${nestingMax} deep and no deeper, in both directions`, () => {
    expect(decode(encodeFrame(nested(nestingMax))).values).to.deep.equal([nested(nestingMax)]);
    expect(() => encodeFrame(nested(nestingMax + 1))).to.throw(TypeError, "nested deeper");
    for (const depth of [nestingMax + 1, 10_000, 1_000_000]) {
      const body = Buffer.alloc(depth + 1, 0x91);
      body[depth] = 0x01;
      expect(decode(frameOf(body)).problem?.message).to.contain("nested deeper");
    }
  });

  it("refuse more values than a message may have, before any of them is made", () => {
    const body = Buffer.alloc(valuesMax + 5, 0x80);
    body.writeUInt8(0xdd, 0);
    body.writeUInt32BE(valuesMax, 1);
    expect(decode(frameOf(body)).problem?.message).to.contain("values");
  });

  it("leave prototypes alone when a key is __proto__", () => {
    const body = Buffer.concat([
      Buffer.from([0x81, 0xa9]),
      Buffer.from("__proto__"),
      Buffer.from([0x81, 0xa8]),
      Buffer.from("polluted"),
      Buffer.from([0xc3]),
    ]);
    const [value] = decode(frameOf(body)).values;
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    expect(value).to.have.own.property("__proto_");
    expect({}).not.to.have.property("polluted");
  });

  it("refuse every extension type, among them the one that defines records", () => {
    const bodies = [
      [0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01],
      [0xd4, 0x00, 0x00],
      [0xd6, 0xff, 0, 0, 0, 0],
      [0xc7, 0x01, 0x65, 0x00],
      [0xc8, 0x00, 0x01, 0x74, 0x00],
      [0xc9, 0x00, 0x00, 0x00, 0x01, 0x42, 0x00],
      [0xd8, 0x70, ...Buffer.alloc(16)],
    ];
    for (const body of bodies) {
      expect(decode(frameOf(body)).problem?.message).to.contain("not allowed");
    }
  });

  it("refuse at the sender what no receiver takes", () => {
    const values = [new Date(), 2n ** 60n, new Map([[1, 2]])];
    for (const value of values) expect(() => encodeFrame({ value })).to.throw(TypeError);
    expect(decode(encodeFrame("still works")).values).to.deep.equal(["still works"]);
  });

  it("meet random bytes with a problem or plain values, never with an exception", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.boolean(), fc.array(fc.nat()), (body, framed, cuts) => {
        const chunks = split(framed ? frameOf(body) : Buffer.from(body), cuts);
        expect(decode(...chunks).values.every(isPlain)).to.equal(true);
      }),
      { numRuns: 3000 },
    );
  });

  it("meet damaged frames with a problem or plain values, never with an exception", () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sendable, flips, fc.nat(), (value, damage, cut) => {
        const frame = Buffer.from(encodeFrame([0, 7, "submit", value]));
        const body = frame.subarray(4);
        for (const [at, byte] of damage) body[at % body.length] = byte;
        const cutShort = frameOf(body.subarray(0, 1 + (cut % body.length)));
        for (const bytes of [frame, cutShort]) {
          const { values, problem } = decode(bytes);
          expect(values.length).to.equal(problem === null ? 1 : 0);
          expect(values.every(isPlain)).to.equal(true);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("take megabytes that come byte by byte in time that grows with their number only", () => {
    const frame = encodeFrame("x".repeat(1024 * 1024));
    const decoder = new FrameDecoder();
    const values: unknown[] = [];
    const started = performance.now();
    for (let i = 0; i < frame.length; i += 1) {
      decoder.push(frame.subarray(i, i + 1), (value) => values.push(value));
    }
    expect(values).to.have.length(1);
    // A copy of everything at each byte would move half a terabyte.
    expect(performance.now() - started).to.be.below(5000);
  });
});
