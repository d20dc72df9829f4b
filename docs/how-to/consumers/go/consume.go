// Command consume keeps the articles of a feed as they stand: consume BROKERS TOPIC GROUP [BLOBS].
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type article struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	Action  string `json:"action"`
	Title   string `json:"title"`
	Body    string `json:"body"`
	Topics  []struct {
		ID       string `json:"id"`
		Evidence []struct {
			Field string `json:"field"`
			Start int    `json:"start"`
			End   int    `json:"end"`
		} `json:"evidence"`
	} `json:"topics"`
}

// claim stands in a record for an article that is too large for its topic.
type claim struct {
	ID      string `json:"id"`
	Dataref string `json:"dataref"`
	Digest  string `json:"digest"`
}

// state is what holds of an article: its version, and its text unless it was withdrawn.
type state struct {
	version int
	article *article
}

// table is what is known. Put a database in its place: an id, a version, and the article or nothing.
type table struct {
	blobs                        string
	known                        map[string]state
	taken, passedOver, withdrawn int
}

func (t *table) take(record *kgo.Record) error {
	value := record.Value
	if value == nil {
		return nil
	}
	switch header(record, "ce_type") {
	case "newsflow.article.v1":
	case "newsflow.claim.v1":
		var err error
		if value, err = t.claimed(value); err != nil {
			return err
		}
	default:
		return nil
	}
	var found article
	if err := json.Unmarshal(value, &found); err != nil {
		return err
	}
	switch {
	case found.Version <= t.known[found.ID].version: // a repeat, or behind what is here
		t.passedOver++
	case found.Action == "withdraw": // the version stays known, the text goes
		t.known[found.ID] = state{found.Version, nil}
		t.withdrawn++
	default: // add and replace are the same to a reader
		t.known[found.ID] = state{found.Version, &found}
		t.taken++
	}
	return nil
}

// claimed reads what a claim stands for; to go on without it would lose the article.
func (t *table) claimed(value []byte) ([]byte, error) {
	var found claim
	if err := json.Unmarshal(value, &found); err != nil {
		return nil, err
	}
	if t.blobs == "" {
		return nil, fmt.Errorf("%s is in the blob store: name its folder as BLOBS", found.ID)
	}
	value, err := os.ReadFile(filepath.Join(t.blobs, found.Dataref))
	if err != nil {
		return nil, err
	}
	if fmt.Sprintf("sha256:%x", sha256.Sum256(value)) != found.Digest {
		return nil, fmt.Errorf("%s is not what %s was", found.Dataref, found.ID)
	}
	return value, nil
}

func header(record *kgo.Record, name string) string {
	for _, each := range record.Headers {
		if each.Key == name {
			return string(each.Value)
		}
	}
	return ""
}

// cut takes a part by code points, as the offsets count. A Go string is indexed by bytes of UTF-8.
func cut(text string, start, end int) string {
	return string([]rune(text)[start:end])
}

func (t *table) show() {
	ids := make([]string, 0, len(t.known))
	for id := range t.known {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		known := t.known[id]
		if known.article == nil {
			fmt.Printf("%s v%d (withdrawn)\n", id, known.version)
			continue
		}
		fmt.Printf("%s v%d %s\n", id, known.version, known.article.Title)
		fields := map[string]string{"title": known.article.Title, "body": known.article.Body}
		for _, topic := range known.article.Topics {
			for _, found := range topic.Evidence {
				text := cut(fields[found.Field], found.Start, found.End)
				fmt.Printf("  %s %s %d-%d: %s\n", topic.ID, found.Field, found.Start, found.End, text)
			}
		}
	}
	fmt.Printf("%d taken, %d passed over, %d withdrawn\n", t.taken, t.passedOver, t.withdrawn)
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 && len(os.Args) != 5 {
		log.Fatal("usage: consume BROKERS TOPIC GROUP [BLOBS]")
	}
	blobs := ""
	if len(os.Args) == 5 {
		blobs = os.Args[4]
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], blobs); err != nil {
		log.Fatal(err)
	}
}

func run(brokers, topic, group, blobs string) error {
	ctx := context.Background()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(brokers, ",")...),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	known := table{blobs: blobs, known: map[string]state{}}
	// What is there to be read; to go on for ever: for { … }.
	admin := kadm.NewClient(client)
	topics, err := admin.ListTopics(ctx, topic)
	if err != nil {
		return err
	}
	if !topics.Has(topic) {
		return fmt.Errorf("there is no topic %s at %s", topic, brokers)
	}
	left, err := behind(ctx, admin, topic, group)
	if err != nil {
		return err
	}
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, record := range fetches.Records() {
			if err := known.take(record); err != nil {
				return err
			}
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
		}
		// Only what the table has; after a crash it comes again, and is passed over.
		if err := client.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
	}
	known.show()
	return nil
}

// behind returns the end of each partition that the group has not read to its end.
func behind(ctx context.Context, admin *kadm.Client, topic, group string) (map[int32]int64, error) {
	begun, err := admin.FetchOffsets(ctx, group)
	if err != nil {
		return nil, err
	}
	first, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	left := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		next := int64(0)
		if low, ok := first.Lookup(topic, end.Partition); ok {
			next = low.Offset
		}
		if committed, ok := begun.Lookup(topic, end.Partition); ok && committed.At > next {
			next = committed.At
		}
		if next < end.Offset {
			left[end.Partition] = end.Offset
		}
	})
	return left, nil
}
