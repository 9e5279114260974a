package io.berth.containerd.event;

import com.google.protobuf.Any;
import java.time.Instant;

/**
 * One event as subscribers get it.
 *
 * @param namespace in which it happened
 * @param topic such as {@code /tasks/exit}, see {@link Topics#check}
 * @param time when it happened, by the clock of whoever told it
 * @param payload what happened; opaque, for clients may publish types that are not known here
 */
public record PublishedEvent(String namespace, String topic, Instant time, Any payload) {}
