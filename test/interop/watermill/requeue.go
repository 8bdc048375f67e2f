package main

import (
	"context"
	"fmt"

	"github.com/ThreeDotsLabs/watermill/components/requeuer"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
)

// requeue has Watermill's requeuer bring count dead letters back to the topics that they say they came from.
func requeue(kind, url, topic, group string, count int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	subscriber, err := newSubscriber(kind, url, group)
	if err != nil {
		return err
	}
	publisher, err := newPublisher(kind, url)
	if err != nil {
		return err
	}
	router, err := message.NewRouter(message.RouterConfig{}, quiet)
	if err != nil {
		return err
	}
	requeued := make(chan struct{}, count)
	router.AddMiddleware(func(next message.HandlerFunc) message.HandlerFunc {
		return func(msg *message.Message) ([]*message.Message, error) {
			produced, err := next(msg)
			if err == nil {
				requeued <- struct{}{}
			}
			return produced, err
		}
	})
	component, err := requeuer.NewRequeuer(requeuer.Config{
		Subscriber:     subscriber,
		SubscribeTopic: topic,
		Publisher:      publisher,
		Router:         router,
		GeneratePublishTopic: func(params requeuer.GeneratePublishTopicParams) (string, error) {
			from := params.Message.Metadata.Get(middleware.PoisonedTopicKey)
			if from == "" {
				return "", fmt.Errorf("%s does not say where it came from", params.Message.UUID)
			}
			return from, nil
		},
	}, quiet)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- component.Run(ctx) }()
	for range count {
		select {
		case <-requeued:
		case err := <-ended:
			return fmt.Errorf("the requeuer ended after %v: %v", patience, err)
		}
	}
	if err := router.Close(); err != nil {
		return err
	}
	if err := <-ended; err != nil {
		return err
	}
	return publisher.Close()
}
