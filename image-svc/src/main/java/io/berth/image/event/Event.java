package io.berth.image.event;

import java.util.Map;

/** Something that happened to images, content or snapshots of a namespace. */
public sealed interface Event {
  /** What subscribers filter by. */
  String topic();

  /** A name was recorded. */
  record ImageCreated(String name, Map<String, String> labels) implements Event {
    @Override
    public String topic() {
      return "/images/create";
    }
  }

  /** A name's labels or target changed. */
  record ImageUpdated(String name, Map<String, String> labels) implements Event {
    @Override
    public String topic() {
      return "/images/update";
    }
  }

  /** A name is gone. */
  record ImageDeleted(String name) implements Event {
    @Override
    public String topic() {
      return "/images/delete";
    }
  }

  /** Content is there. */
  record ContentCreated(String digest, long size) implements Event {
    @Override
    public String topic() {
      return "/content/create";
    }
  }

  /** Content was deleted by somebody; the collector tells nothing. */
  record ContentDeleted(String digest) implements Event {
    @Override
    public String topic() {
      return "/content/delete";
    }
  }

  /** An active snapshot was made. */
  record SnapshotPrepared(String key, String parent, String snapshotter) implements Event {
    @Override
    public String topic() {
      return "/snapshot/prepare";
    }
  }

  /** An active snapshot became a committed one. */
  record SnapshotCommitted(String key, String name, String snapshotter) implements Event {
    @Override
    public String topic() {
      return "/snapshot/commit";
    }
  }

  /** A snapshot is gone. */
  record SnapshotRemoved(String key, String snapshotter) implements Event {
    @Override
    public String topic() {
      return "/snapshot/remove";
    }
  }
}
