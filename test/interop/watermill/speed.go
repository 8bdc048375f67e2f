package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill-kafka/v3/pkg/kafka"
	"github.com/ThreeDotsLabs/watermill/message"
)

// For the benchmarks: Watermill at the guarantees of Millrace (every message confirmed by all replicas, or by RabbitMQ),
// and with what makes it faster than its defaults do.
const (
	channels = 64
	prefetch = 100
)

func fastPublisher(kind, url string) (message.Publisher, error) {
	if kind == "kafka" {
		config := kafka.DefaultSaramaSyncPublisherConfig()
		config.Producer.RequiredAcks = sarama.WaitForAll
		return kafka.NewPublisher(kafka.PublisherConfig{Brokers: kafkaBrokers(url), Marshaler: kafka.DefaultMarshaler{}, OverwriteSaramaConfig: config}, quiet)
	}
	config, err := amqpConfig(kind, url, "")
	if err != nil {
		return nil, err
	}
	config.Publish.ConfirmDelivery = true
	config.Publish.ChannelPoolSize = channels
	return amqp.NewPublisher(config, quiet)
}

func fastSubscriber(kind, url, group string) (message.Subscriber, error) {
	if kind == "kafka" {
		return newSubscriber(kind, url, group)
	}
	config, err := amqpConfig(kind, url, group)
	if err != nil {
		return nil, err
	}
	config.Consume.Qos.PrefetchCount = prefetch
	return amqp.NewSubscriber(config, quiet)
}

// publishSpeed has each of the callers publish single messages, one call after the other; prints nanoseconds.
func publishSpeed(publisher message.Publisher, topic string, size, count, callers int) error {
	payload := make([]byte, size)
	publishAll := func(count int) error {
		var failure error
		var once sync.Once
		var all sync.WaitGroup
		for range callers {
			all.Add(1)
			go func() {
				defer all.Done()
				for range count / callers {
					if err := publisher.Publish(topic, message.NewMessage(watermill.NewUUID(), payload)); err != nil {
						once.Do(func() { failure = err })
						return
					}
				}
			}()
		}
		all.Wait()
		return failure
	}
	if err := publishAll(count / 4); err != nil {
		return err
	}
	began := time.Now()
	if err := publishAll(count); err != nil {
		return err
	}
	fmt.Println(time.Since(began).Nanoseconds())
	return nil
}

// readSpeed acks each message; prints nanoseconds from the first to the last.
func readSpeed(subscriber message.Subscriber, topic string, count int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		return err
	}
	var began time.Time
	for index := range count {
		in, ok := <-messages
		if !ok {
			return fmt.Errorf("the subscription ended after %v", patience)
		}
		if index == 0 {
			began = time.Now()
		}
		in.Ack()
	}
	fmt.Println(time.Since(began).Nanoseconds())
	return nil
}
