"""Prints what a feed brings, for as long as it runs: python consume.py BROKERS TOPIC GROUP."""

import json
import sys

from kafka import KafkaConsumer
from newsflow_models import Article

brokers, topic, group = sys.argv[1:]
settings = {"group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False}
consumer = KafkaConsumer(topic, bootstrap_servers=brokers.split(","), **settings)
for record in consumer:
    if ("ce_type", b"newsflow.article.v1") in record.headers:
        article: Article = json.loads(record.value)
        print(article["action"], article["title"], *(each["id"] for each in article["topics"]), sep="\t", flush=True)
    consumer.commit()  # behind what was done with it
