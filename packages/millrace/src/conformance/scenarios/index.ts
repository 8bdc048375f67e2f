import type { Scenario } from "../scenario.ts";
import { adminAfterClose } from "./admin-after-close.ts";
import { adminBusy } from "./admin-busy.ts";
import { adminDeleteGroup } from "./admin-delete-group.ts";
import { adminDeleteIdle } from "./admin-delete-idle.ts";
import { adminQuestions } from "./admin-questions.ts";
import { adminSeek } from "./admin-seek.ts";
import { adminSeekToAPlace } from "./admin-seek-to-a-place.ts";
import { adminTopicsAndGroups } from "./admin-topics-and-groups.ts";
import { adminUnknown } from "./admin-unknown.ts";
import { attemptCounts } from "./attempt-counts.ts";
import { badOptions } from "./bad-options.ts";
import { bigBacklogTimerLateness } from "./big-backlog-timer-lateness.ts";
import { brokerRestart } from "./broker-restart.ts";
import { closeBeforeUse } from "./close-before-use.ts";
import { closeIdempotent } from "./close-idempotent.ts";
import { closeUnderArrivals } from "./close-under-arrivals.ts";
import { closeWaitsForPublishes } from "./close-waits-for-publishes.ts";
import { closeWhileBrokerIsDown } from "./close-while-broker-is-down.ts";
import { closeWithUnread } from "./close-with-unread.ts";
import { concurrentClose } from "./concurrent-close.ts";
import { concurrentSubscribe } from "./concurrent-subscribe.ts";
import { concurrentTopics } from "./concurrent-topics.ts";
import { continueAfterClose } from "./continue-after-close.ts";
import { continueAfterErrors } from "./continue-after-errors.ts";
import { cutBeforeConfirm } from "./cut-before-confirm.ts";
import { cutConnection } from "./cut-connection.ts";
import { deduplicatesPublish } from "./deduplicates-publish.ts";
import { delayedNack } from "./delayed-nack.ts";
import { delayedNackFreesOthers } from "./delayed-nack-frees-others.ts";
import { disposeAll } from "./dispose-all.ts";
import { disposeGivesBack } from "./dispose-gives-back.ts";
import { disposeWhileDraining } from "./dispose-while-draining.ts";
import { drain } from "./drain.ts";
import { drainDeadline } from "./drain-deadline.ts";
import { duePassesAtOnce } from "./due-passes-at-once.ts";
import { eventLoopBlocked } from "./event-loop-blocked.ts";
import { flush } from "./flush.ts";
import { flushThenKill } from "./flush-then-kill.ts";
import { flushWaitsForTheBroker } from "./flush-waits-for-the-broker.ts";
import { fromEarliest } from "./from-earliest.ts";
import { fromLatest } from "./from-latest.ts";
import { fromPosition } from "./from-position.ts";
import { fromTime } from "./from-time.ts";
import { fromUnsupported } from "./from-unsupported.ts";
import { frozenBeyondLease } from "./frozen-beyond-lease.ts";
import { groupless } from "./groupless.ts";
import { groups } from "./groups.ts";
import { handlerLongerThanLease } from "./handler-longer-than-lease.ts";
import { heldBackByTheThousand } from "./held-back-by-the-thousand.ts";
import { heldBackHoldsNobodyUp } from "./held-back-holds-nobody-up.ts";
import { heldBackSurvivesClose } from "./held-back-survives-close.ts";
import { heldBackSurvivesKill } from "./held-back-survives-kill.ts";
import { heldBackSurvivesRestart } from "./held-back-survives-restart.ts";
import { heldBackUnchanged } from "./held-back-unchanged.ts";
import { heldBackUntilDue } from "./held-back-until-due.ts";
import { hotFailingKey } from "./hot-failing-key.ts";
import { idle } from "./idle.ts";
import { inOrder } from "./in-order.ts";
import { iteratorRules } from "./iterator-rules.ts";
import { joinWhileBusy } from "./join-while-busy.ts";
import { keyBytes } from "./key-bytes.ts";
import { keys } from "./keys.ts";
import { longerDelayIsRefused } from "./longer-delay-is-refused.ts";
import { lostLease } from "./lost-lease.ts";
import { maxInFlight } from "./max-in-flight.ts";
import { metadata } from "./metadata.ts";
import { nackWithSecondMember } from "./nack-with-second-member.ts";
import { namesApart } from "./names-apart.ts";
import { nativeDelay } from "./native-delay.ts";
import { noAckHoldsNext } from "./no-ack-holds-next.ts";
import { noDeadLetterThroughKills } from "./no-dead-letter-through-kills.ts";
import { noReaderNoHandOut } from "./no-reader-no-hand-out.ts";
import { nothingLeftOpen } from "./nothing-left-open.ts";
import { orderAcrossMembers } from "./order-across-members.ts";
import { orderAfterNack } from "./order-after-nack.ts";
import { orderPerKeyUnderConcurrency } from "./order-per-key-under-concurrency.ts";
import { partialBatchAtClose } from "./partial-batch-at-close.ts";
import { pauseGivesBack } from "./pause-gives-back.ts";
import { pauseKeepsOrder } from "./pause-keeps-order.ts";
import { payloads } from "./payloads.ts";
import { prompt } from "./prompt.ts";
import { provision } from "./provision.ts";
import { publishAbort } from "./publish-abort.ts";
import { publishAbortAfterSending } from "./publish-abort-after-sending.ts";
import { publishAfterClose } from "./publish-after-close.ts";
import { publishAgain } from "./publish-again.ts";
import { publishDuringOutage } from "./publish-during-outage.ts";
import { publishLargeBatch } from "./publish-large-batch.ts";
import { publishManyConcurrently } from "./publish-many-concurrently.ts";
import { publishNothing } from "./publish-nothing.ts";
import { publishRefused } from "./publish-refused.ts";
import { publishSubscribe } from "./publish-subscribe.ts";
import { publishTakesASnapshot } from "./publish-takes-a-snapshot.ts";
import { publishTimeLimit } from "./publish-time-limit.ts";
import { redeliveryIsNewObject } from "./redelivery-is-new-object.ts";
import { repeatsNothing } from "./repeats-nothing.ts";
import { reportsLag } from "./reports-lag.ts";
import { reportsLagOfAllMembers } from "./reports-lag-of-all-members.ts";
import { reportsLagOfEachGroup } from "./reports-lag-of-each-group.ts";
import { resendOnNack } from "./resend-on-nack.ts";
import { sigkillMidHandler } from "./sigkill-mid-handler.ts";
import { signalCloses } from "./signal-closes.ts";
import { stalledConnection } from "./stalled-connection.ts";
import { status } from "./status.ts";
import { survivesInstances } from "./survives-instances.ts";
import { topicDeleted } from "./topic-deleted.ts";
import { topicNames } from "./topic-names.ts";
import { transactionalPublish } from "./transactional-publish.ts";
import { twoMembersShare } from "./two-members-share.ts";
import { twoSubscriptions } from "./two-subscriptions.ts";
import { undecodableComesOnce } from "./undecodable-comes-once.ts";
import { undecodableDoesNotStall } from "./undecodable-does-not-stall.ts";
import { undecodableIsTriedAgain } from "./undecodable-is-tried-again.ts";
import { verdicts } from "./verdicts.ts";

/** Every scenario, in the order in which it is registered. */
export const SCENARIOS: readonly Scenario[] = Object.freeze([
  publishSubscribe,
  prompt,
  concurrentSubscribe,
  concurrentTopics,
  topicNames,
  groups,
  groupless,
  provision,
  twoSubscriptions,
  twoMembersShare,
  joinWhileBusy,
  repeatsNothing,
  inOrder,
  orderPerKeyUnderConcurrency,
  orderAcrossMembers,
  orderAfterNack,
  keys,
  keyBytes,
  namesApart,
  maxInFlight,
  noAckHoldsNext,
  noReaderNoHandOut,
  idle,
  resendOnNack,
  continueAfterErrors,
  attemptCounts,
  redeliveryIsNewObject,
  delayedNack,
  delayedNackFreesOthers,
  nativeDelay,
  hotFailingKey,
  nackWithSecondMember,
  verdicts,
  flush,
  flushWaitsForTheBroker,
  payloads,
  metadata,
  publishNothing,
  publishAbort,
  publishAbortAfterSending,
  publishTimeLimit,
  publishRefused,
  publishTakesASnapshot,
  publishAgain,
  publishManyConcurrently,
  publishLargeBatch,
  deduplicatesPublish,
  transactionalPublish,
  duePassesAtOnce,
  heldBackUntilDue,
  heldBackUnchanged,
  heldBackHoldsNobodyUp,
  heldBackByTheThousand,
  longerDelayIsRefused,
  fromEarliest,
  fromLatest,
  fromTime,
  fromPosition,
  fromUnsupported,
  badOptions,
  iteratorRules,
  pauseGivesBack,
  pauseKeepsOrder,
  status,
  reportsLag,
  reportsLagOfEachGroup,
  reportsLagOfAllMembers,
  adminQuestions,
  adminTopicsAndGroups,
  adminUnknown,
  adminSeek,
  adminSeekToAPlace,
  adminBusy,
  adminDeleteGroup,
  adminDeleteIdle,
  adminAfterClose,
  drain,
  drainDeadline,
  disposeGivesBack,
  disposeAll,
  disposeWhileDraining,
  signalCloses,
  continueAfterClose,
  concurrentClose,
  closeWithUnread,
  closeUnderArrivals,
  closeWaitsForPublishes,
  partialBatchAtClose,
  closeBeforeUse,
  closeIdempotent,
  publishAfterClose,
  survivesInstances,
  heldBackSurvivesClose,
  undecodableDoesNotStall,
  undecodableComesOnce,
  undecodableIsTriedAgain,
  topicDeleted,
  handlerLongerThanLease,
  lostLease,
  frozenBeyondLease,
  eventLoopBlocked,
  sigkillMidHandler,
  flushThenKill,
  heldBackSurvivesKill,
  noDeadLetterThroughKills,
  cutConnection,
  stalledConnection,
  publishDuringOutage,
  cutBeforeConfirm,
  closeWhileBrokerIsDown,
  brokerRestart,
  heldBackSurvivesRestart,
  bigBacklogTimerLateness,
  nothingLeftOpen,
]);
