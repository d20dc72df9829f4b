package example;

import com.fasterxml.jackson.databind.*;
import example.newsflow.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.*;

/** Prints what a feed brings, for as long as it runs: Consume BROKERS TOPIC GROUP. */
class Consume {
    public static void main(String[] args) throws Exception {
        var json = new ObjectMapper().setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .configure(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES, false);
        var settings = Map.<String, Object>of("bootstrap.servers", args[0], "group.id", args[2],
            "auto.offset.reset", "earliest", "enable.auto.commit", false);
        var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(args[1]));
        while (true) {
            for (var record : consumer.poll(Duration.ofSeconds(1))) {
                var type = record.headers().lastHeader("ce_type");
                if (type == null || !new String(type.value()).equals("newsflow.article.v1")) continue;
                var article = json.readValue(record.value(), Article.class);
                System.out.println(article.getAction() + "\t" + article.getTitle() + "\t"
                    + String.join("\t", article.getTopics().stream().map(ArticleTopic::getId).toList()));
            }
            consumer.commitSync(); // behind what was done with it
        }
    }
}
