package io.berth.image.event;

import java.util.Map;

/** Something that happened to images, content or snapshots of a namespace. */
public sealed interface StoreEvent {
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
