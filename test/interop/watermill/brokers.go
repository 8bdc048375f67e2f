package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill-sqlite/wmsqlitezombiezen"
	"github.com/ThreeDotsLabs/watermill/message"
	"zombiezen.com/go/sqlite"
)

// quiet says what goes wrong, on standard error, and nothing else.
var quiet = watermill.NewStdLogger(false, false)

// pollInterval is how often a subscriber on SQLite looks for messages.
const pollInterval = 20 * time.Millisecond

// keyOfRecord is the context's value that becomes the key of a record of Kafka.
type keyOfRecord struct{}

func newPublisher(kind, url string) (message.Publisher, error) {
	switch kind {
	case "kafka":
		marshaler := kafka.NewWithPartitioningMarshaler(func(_ string, msg *message.Message) (string, error) {
			key, _ := msg.Context().Value(keyOfRecord{}).([]byte)
			return string(key), nil
		})
		return kafka.NewPublisher(kafka.PublisherConfig{Brokers: kafkaBrokers(url), Marshaler: marshaler}, quiet)
	case "sqlite":
		connection, err := sqlite.OpenConn(sqliteFile(url))
		if err != nil {
			return nil, err
		}
		return wmsqlitezombiezen.NewPublisher(connection, wmsqlitezombiezen.PublisherOptions{InitializeSchema: true, Logger: quiet})
	}
	config, err := amqpConfig(kind, url, "")
	if err != nil {
		return nil, err
	}
	config.Publish.ConfirmDelivery = true
	return amqp.NewPublisher(config, quiet)
}

func newSubscriber(kind, url, group string) (message.Subscriber, error) {
	switch kind {
	case "kafka":
		earliest := kafka.DefaultSaramaSubscriberConfig()
		earliest.Consumer.Offsets.Initial = sarama.OffsetOldest
		return kafka.NewSubscriber(kafka.SubscriberConfig{
			Brokers:               kafkaBrokers(url),
			Unmarshaler:           kafka.DefaultMarshaler{},
			ConsumerGroup:         group,
			OverwriteSaramaConfig: earliest,
		}, quiet)
	case "sqlite":
		return wmsqlitezombiezen.NewSubscriber("file:"+sqliteFile(url), wmsqlitezombiezen.SubscriberOptions{
			ConsumerGroupMatcher: wmsqlitezombiezen.NewStaticConsumerGroupMatcher(group),
			PollInterval:         pollInterval,
			InitializeSchema:     true,
			Logger:               quiet,
		})
	}
	config, err := amqpConfig(kind, url, group)
	if err != nil {
		return nil, err
	}
	return amqp.NewSubscriber(config, quiet)
}

// keyed gives a message the key that its record is to have.
func keyed(msg *message.Message, key []byte) {
	msg.SetContext(context.WithValue(msg.Context(), keyOfRecord{}, key))
}

// keyOf is the key of the record that a message was read from; nil where the broker has no keys.
func keyOf(msg *message.Message) []byte {
	key, _ := kafka.MessageKeyFromCtx(msg.Context())
	return key
}

func kafkaBrokers(url string) []string {
	return strings.Split(strings.TrimPrefix(url, "kafka://"), ",")
}

func sqliteFile(url string) string {
	return strings.TrimPrefix(url, "sqlite:")
}

func amqpConfig(kind, url, group string) (amqp.Config, error) {
	switch kind {
	case "amqp-queue":
		return amqp.NewDurableQueueConfig(url), nil
	case "amqp-pubsub":
		return amqp.NewDurablePubSubConfig(url, amqp.GenerateQueueNameTopicNameWithSuffix(group)), nil
	case "amqp-topic", "amqp-topic-durable":
		// The exchange is named by the first word of the topic, or of the pattern that a queue is bound with.
		config := amqp.NewDurableTopicConfig(url, "", "")
		config.Exchange.GenerateName = func(topic string) string { return strings.SplitN(topic, ".", 2)[0] }
		config.Exchange.Durable = kind == "amqp-topic-durable"
		config.Queue.GenerateName = amqp.GenerateQueueNameTopicNameWithSuffix(group)
		return config, nil
	}
	return amqp.Config{}, fmt.Errorf("no such broker: %s", kind)
}
