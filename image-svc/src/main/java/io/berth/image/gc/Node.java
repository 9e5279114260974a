package io.berth.image.gc;

/**
 * Names a record that can be kept or deleted.
 *
 * @param kind what it is; of a snapshot with its snapshotter
 */
record Node(String namespace, String kind, String id) {
  static final String CONTENT = "content";
  static final String IMAGE = "image";
  static final String INGEST = "ingest";
  static final String CONTAINER = "container";
  private static final String SNAPSHOT = "snapshot/";

  static Node content(String namespace, String digest) {
    return new Node(namespace, CONTENT, digest);
  }

  static Node image(String namespace, String name) {
    return new Node(namespace, IMAGE, name);
  }

  static Node ingest(String namespace, String ref) {
    return new Node(namespace, INGEST, ref);
  }

  static Node snapshot(String namespace, String snapshotter, String key) {
    return new Node(namespace, SNAPSHOT + snapshotter, key);
  }

  static Node container(String namespace, String id) {
    return new Node(namespace, CONTAINER, id);
  }

  String snapshotter() {
    return kind.substring(SNAPSHOT.length());
  }
}
