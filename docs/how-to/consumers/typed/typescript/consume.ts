// Prints what a feed brings, for as long as it runs: node consume.js BROKERS TOPIC GROUP.
import { Kafka, logLevel } from "kafkajs";
import type { Article } from "./newsflow.js";

const [brokers, topic, groupId] = process.argv.slice(2);
const consumer = new Kafka({ brokers: brokers.split(","), logLevel: logLevel.ERROR }).consumer({ groupId });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({ // commits behind what was done with it
    eachMessage: async ({ message }) => {
        if (message.headers?.ce_type?.toString() !== "newsflow.article.v1") return;
        const article: Article = JSON.parse(String(message.value));
        console.log([article.action, article.title, ...article.topics.map((each) => each.id)].join("\t"));
    },
});
