package encode

// KafkaHash is for tests.
var KafkaHash = kafkaHash

// KillKafka ends the connections of the sink, as the death of the process does: nothing is committed or given back.
func KillKafka(s Sink) { s.(exactKafka).client.Close() }
