package io.berth.image.event;

import io.berth.base.text.EventTexts;
import java.util.Collections;
import java.util.Map;

/** Something that happened to images, content, snapshots or volumes. */
public sealed interface StoreEvent {
  /**
   * What people are told, in docker's words; containerd's clients are not.
   *
   * @param type {@code image} or {@code volume}
   * @param actor id or name of an image, name of a volume; empty for what is about several
   * @param attributes what is told of it besides, in the order in which it counts
   */
  record Told(String type, String action, String actor, Map<String, String> attributes)
      implements StoreEvent {
    public Told {
      attributes = Collections.unmodifiableMap(EventTexts.fitting(attributes));
    }

    @Override
    public String topic() {
      return "/engine/" + type;
    }
  }

  /** The topic, by which subscribers filter. */
  String topic();

  /** An image name was recorded. */
  record ImageCreated(String name, Map<String, String> labels) implements StoreEvent {
    @Override
    public String topic() {
      return "/images/create";
    }
  }

  /** The labels or the target of an image name changed. */
  record ImageUpdated(String name, Map<String, String> labels) implements StoreEvent {
    @Override
    public String topic() {
      return "/images/update";
    }
  }

  /** An image name was deleted. */
  record ImageDeleted(String name) implements StoreEvent {
    @Override
    public String topic() {
      return "/images/delete";
    }
  }

  /** Content was committed. */
  record ContentCreated(String digest, long size) implements StoreEvent {
    @Override
    public String topic() {
      return "/content/create";
    }
  }

  /** Content was deleted by a client. What the collector deletes makes no event. */
  record ContentDeleted(String digest) implements StoreEvent {
    @Override
    public String topic() {
      return "/content/delete";
    }
  }

  /** An active snapshot was made. */
  record SnapshotPrepared(String key, String parent, String snapshotter) implements StoreEvent {
    @Override
    public String topic() {
      return "/snapshot/prepare";
    }
  }

  /** An active snapshot became a committed one. */
  record SnapshotCommitted(String key, String name, String snapshotter) implements StoreEvent {
    @Override
    public String topic() {
      return "/snapshot/commit";
    }
  }

  /** A snapshot was removed. */
  record SnapshotRemoved(String key, String snapshotter) implements StoreEvent {
    @Override
    public String topic() {
      return "/snapshot/remove";
    }
  }
}
