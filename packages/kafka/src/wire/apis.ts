import * as kafka from "@platformatic/kafka";

/**
 * The versions of each request that this package speaks, newest first; the newest that the broker knows is used. All of one
 * list take the same arguments and answer in the same shape. Together they ask for Kafka 3.0 or newer.
 */
export const METADATA: readonly (typeof kafka.metadataV12.api)[] = [kafka.metadataV12.api, kafka.metadataV11.api, kafka.metadataV10.api];
export const FIND_COORDINATOR: readonly (typeof kafka.findCoordinatorV6.api)[] = [
  kafka.findCoordinatorV6.api,
  kafka.findCoordinatorV5.api,
  kafka.findCoordinatorV4.api,
];
export const JOIN_GROUP: readonly (typeof kafka.joinGroupV9.api)[] = [kafka.joinGroupV9.api, kafka.joinGroupV8.api, kafka.joinGroupV7.api];
export const SYNC_GROUP: readonly (typeof kafka.syncGroupV5.api)[] = [kafka.syncGroupV5.api, kafka.syncGroupV4.api];
export const HEARTBEAT: readonly (typeof kafka.heartbeatV4.api)[] = [kafka.heartbeatV4.api];
export const LEAVE_GROUP: readonly (typeof kafka.leaveGroupV5.api)[] = [kafka.leaveGroupV5.api, kafka.leaveGroupV4.api];
export const OFFSET_FETCH: readonly (typeof kafka.offsetFetchV9.api)[] = [kafka.offsetFetchV9.api, kafka.offsetFetchV8.api];
export const OFFSET_DELETE: readonly (typeof kafka.offsetDeleteV0.api)[] = [kafka.offsetDeleteV0.api];
export const LIST_GROUPS: readonly (typeof kafka.listGroupsV4.api)[] = [kafka.listGroupsV5.api, kafka.listGroupsV4.api];
export const LIST_OFFSETS: readonly (typeof kafka.listOffsetsV9.api)[] = [kafka.listOffsetsV9.api, kafka.listOffsetsV8.api, kafka.listOffsetsV7.api];
export const CREATE_TOPICS: readonly (typeof kafka.createTopicsV7.api)[] = [kafka.createTopicsV7.api, kafka.createTopicsV6.api, kafka.createTopicsV5.api];
export const INIT_PRODUCER_ID: readonly (typeof kafka.initProducerIdV5.api)[] = [kafka.initProducerIdV5.api, kafka.initProducerIdV4.api];
/** Later versions are for brokers among themselves. */
export const ADD_PARTITIONS_TO_TXN: readonly (typeof kafka.addPartitionsToTxnV3.api)[] = [kafka.addPartitionsToTxnV3.api];
export const ADD_OFFSETS_TO_TXN: readonly (typeof kafka.addOffsetsToTxnV4.api)[] = [kafka.addOffsetsToTxnV4.api, kafka.addOffsetsToTxnV3.api];
export const END_TXN: readonly (typeof kafka.endTxnV4.api)[] = [kafka.endTxnV4.api, kafka.endTxnV3.api];
export const TXN_OFFSET_COMMIT: readonly (typeof kafka.txnOffsetCommitV4.api)[] = [kafka.txnOffsetCommitV4.api, kafka.txnOffsetCommitV3.api];
