// Prints what a feed brings, for as long as it runs: go run . BROKERS TOPIC GROUP.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(os.Args[1], ",")...), kgo.ConsumeTopics(os.Args[2]),
		kgo.ConsumerGroup(os.Args[3]), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	check(err)
	for {
		fetches := client.PollFetches(context.Background())
		check(fetches.Err())
		for _, record := range fetches.Records() {
			if slices.ContainsFunc(record.Headers, isArticle) {
				var article Article
				check(json.Unmarshal(record.Value, &article))
				fmt.Println(line(article))
			}
		}
		check(client.CommitUncommittedOffsets(context.Background())) // behind what was done with it
	}
}

func isArticle(header kgo.RecordHeader) bool {
	return header.Key == "ce_type" && string(header.Value) == "newsflow.article.v1"
}

func line(article Article) string {
	words := []string{string(article.Action), article.Title}
	for _, topic := range article.Topics {
		words = append(words, topic.ID)
	}
	return strings.Join(words, "\t")
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
