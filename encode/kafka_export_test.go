package encode

// KafkaHash is for tests.
var KafkaHash = kafkaHash
