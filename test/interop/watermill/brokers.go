package main

import (
	"fmt"
	"strings"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
)

// quiet says what goes wrong, on standard error, and nothing else.
var quiet = watermill.NewStdLogger(false, false)

// keyedBy is the metadata whose value becomes the key of the record.
const keyedBy = "key"

func newPublisher(kind, url string) (message.Publisher, error) {
	if kind != "kafka" {
		config, err := amqpConfig(kind, url, "")
		if err != nil {
			return nil, err
		}
		config.Publish.ConfirmDelivery = true
		return amqp.NewPublisher(config, quiet)
	}
	marshaler := kafka.NewWithPartitioningMarshaler(func(_ string, msg *message.Message) (string, error) {
		return msg.Metadata.Get(keyedBy), nil
	})
	return kafka.NewPublisher(kafka.PublisherConfig{Brokers: kafkaBrokers(url), Marshaler: marshaler}, quiet)
}

func newSubscriber(kind, url, group string) (message.Subscriber, error) {
	if kind != "kafka" {
		config, err := amqpConfig(kind, url, group)
		if err != nil {
			return nil, err
		}
		return amqp.NewSubscriber(config, quiet)
	}
	earliest := kafka.DefaultSaramaSubscriberConfig()
	earliest.Consumer.Offsets.Initial = sarama.OffsetOldest
	return kafka.NewSubscriber(kafka.SubscriberConfig{
		Brokers:               kafkaBrokers(url),
		Unmarshaler:           kafka.DefaultMarshaler{},
		ConsumerGroup:         group,
		OverwriteSaramaConfig: earliest,
	}, quiet)
}

func kafkaBrokers(url string) []string {
	return strings.Split(strings.TrimPrefix(url, "kafka://"), ",")
}

func amqpConfig(kind, url, group string) (amqp.Config, error) {
	switch kind {
	case "amqp-queue":
		return amqp.NewDurableQueueConfig(url), nil
	case "amqp-pubsub":
		return amqp.NewDurablePubSubConfig(url, amqp.GenerateQueueNameTopicNameWithSuffix(group)), nil
	}
	return amqp.Config{}, fmt.Errorf("no such broker: %s", kind)
}
