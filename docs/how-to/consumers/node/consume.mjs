// Keeps the articles of a feed as they stand: node consume.mjs BROKERS TOPIC GROUP [BLOBS].
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";

// What holds of each article. Put a database in its place: an id, a version, and the article or nothing.
const known = new Map();
const counts = { taken: 0, "passed over": 0, withdrawn: 0 };

function take(value, headers) {
  if (value === null) return;
  const kind = headers.ce_type?.toString();
  if (kind === "newsflow.claim.v1") value = claimed(JSON.parse(value.toString("utf8")));
  else if (kind !== "newsflow.article.v1") return;
  const article = JSON.parse(value.toString("utf8"));
  const version = known.get(article.id)?.version ?? 0;
  if (article.version <= version) {
    counts["passed over"]++; // a repeat, or behind what is here
  } else if (article.action === "withdraw") {
    known.set(article.id, { version: article.version, article: null }); // the version stays known, the text goes
    counts.withdrawn++;
  } else {
    known.set(article.id, { version: article.version, article }); // add and replace are the same to a reader
    counts.taken++;
  }
}

// An article that is too large for its topic is in the blob store; to go on without it would lose it.
function claimed({ id, dataref, digest }) {
  if (blobs === undefined) fail(`${id} is in the blob store: name its folder as BLOBS`);
  const value = readFileSync(join(blobs, dataref));
  if (`sha256:${createHash("sha256").update(value).digest("hex")}` !== digest) fail(`${dataref} is not what ${id} was`);
  return value;
}

// A JavaScript string is indexed by UTF-16 units, of which an emoji has two; the offsets count code points.
function cut(text, start, end) {
  return Array.from(text).slice(start, end).join("");
}

function show() {
  for (const id of [...known.keys()].sort()) {
    const { version, article } = known.get(id);
    console.log(`${id} v${version} ${article === null ? "(withdrawn)" : article.title}`);
    for (const topic of article?.topics ?? []) {
      for (const { field, start, end } of topic.evidence) {
        console.log(`  ${topic.id} ${field} ${start}-${end}: ${cut(article[field], start, end)}`);
      }
    }
  }
  console.log(Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(", "));
}

function fail(text) {
  console.error(text);
  process.exit(1);
}

if (process.argv.length < 5 || process.argv.length > 6) fail("usage: node consume.mjs BROKERS TOPIC GROUP [BLOBS]");
const [brokers, topic, groupId, blobs] = process.argv.slice(2);
const kafka = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.NOTHING });
process.on("uncaughtException", (error) =>
  fail(error.name.startsWith("KafkaJS") ? `Kafka at ${brokers}: ${error.message}` : error.stack),
);

// What is there to be read; to go on for ever, leave this and the test for it out.
const admin = kafka.admin();
await admin.connect();
if (!(await admin.listTopics()).includes(topic)) fail(`there is no topic ${topic} at ${brokers}`);
const ends = await admin.fetchTopicOffsets(topic);
const [begun] = await admin.fetchOffsets({ groupId, topics: [topic] });
await admin.disconnect();
const committed = new Map(begun.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
const left = new Map(
  ends
    .filter(({ partition, low, high }) => Math.max(Number(low), committed.get(partition) ?? -1) < Number(high))
    .map(({ partition, high }) => [partition, Number(high)]),
);

if (left.size > 0) {
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        take(message.value, message.headers);
        const next = Number(message.offset) + 1;
        // Only what the table has; after a crash it comes again, and is passed over.
        await consumer.commitOffsets([{ topic, partition, offset: String(next) }]);
        if (next >= (left.get(partition) ?? Infinity)) left.delete(partition);
        if (left.size === 0) resolve();
      },
    });
  });
  await consumer.disconnect();
}
show();
