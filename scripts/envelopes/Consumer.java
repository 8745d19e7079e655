import io.debezium.transforms.ExtractNewRecordState;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Reads events in the envelope of Debezium as Kafka Connect does, by JsonConverter and ExtractNewRecordState, and wants in each what the plain event says:
 * java Consumer ENVELOPED PLAIN, two files with a line for each event.
 */
class Consumer {
    public static void main(String[] args) throws Exception {
        var events = new JsonConverter();
        events.configure(Map.of("schemas.enable", true, "schemas.cache.size", 1), false);
        var plain = new JsonConverter();
        plain.configure(Map.of("schemas.enable", false), false);
        var unwrap = new ExtractNewRecordState<SourceRecord>();
        unwrap.configure(Map.of("delete.tombstone.handling.mode", "rewrite"));
        int kept = 0, deleted = 0, truncated = 0;
        try (var lines = Files.newBufferedReader(Path.of(args[0])); var wants = Files.newBufferedReader(Path.of(args[1]))) {
            for (String line; (line = lines.readLine()) != null; ) {
                var read = events.toConnectData("topic", line.getBytes(StandardCharsets.UTF_8));
                var want = (Map<?, ?>) plain.toConnectData("topic", wants.readLine().getBytes(StandardCharsets.UTF_8)).value();
                var record = unwrap.apply(new SourceRecord(Map.of(), Map.of(), "topic", 0, null, null, read.schema(), read.value()));
                if (want.get("op").equals("flush")) {
                    require(record == null && ((Struct) read.value()).getString("op").equals("t"), line);
                    truncated++;
                    continue;
                }
                var row = (Struct) record.value();
                boolean isDelete = want.get("op").equals("delete") && (want.containsKey("key") || want.containsKey("key_b64"));
                require(row.getString("__deleted").equals(String.valueOf(isDelete)), line);
                compare(row, want, line);
                kept += isDelete ? 0 : 1;
                deleted += isDelete ? 1 : 0;
            }
            require(wants.readLine() == null, "fewer events than " + args[1]);
        }
        System.out.printf("%d rows, %d deleted, %d truncated, each as it was%n", kept, deleted, truncated);
    }

    /** compare wants all fields of a row to be those of a plain event, and no others. */
    static void compare(Struct row, Map<?, ?> want, String line) {
        for (var field : row.schema().fields()) {
            if (field.name().startsWith("__")) {
                continue;
            }
            var value = row.get(field);
            if (value instanceof List<?> list && !list.isEmpty() && list.get(0) instanceof Struct) {
                var items = (List<?>) want.get(field.name());
                require(items.size() == list.size(), line);
                for (int i = 0; i < items.size(); i++) {
                    compare((Struct) list.get(i), (Map<?, ?>) items.get(i), line);
                }
                continue;
            }
            require(Objects.equals(value, want.get(field.name())), field.name() + " is " + value + ": " + line);
        }
        for (var name : want.keySet()) {
            require(row.schema().field((String) name) != null, "no field " + name + ": " + line);
        }
    }

    static void require(boolean ok, String what) {
        if (!ok) {
            throw new AssertionError(what);
        }
    }
}
