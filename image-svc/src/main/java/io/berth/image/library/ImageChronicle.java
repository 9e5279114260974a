package io.berth.image.library;

import io.berth.base.error.BerthException;
import io.berth.image.event.StoreEvent;
import io.berth.image.meta.Metadata;
import io.berth.image.name.NamedImage;
import io.berth.image.snapshot.Snapshots;
import io.berth.oci.image.ImageReference;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * Tells what happens to images, in docker's words: this is the one place where those are made. What
 * a transfer brings is told once, as docker does, and not again as the names that it gave.
 * Thread-safe.
 */
@Singleton
public final class ImageChronicle {
  private static final String IMAGE = "image";

  private final Metadata metadata;
  private final ImageLibrary library;

  @Inject
  public ImageChronicle(Metadata metadata, ImageLibrary library) {
    this.metadata = metadata;
    this.library = library;
  }

  /** What an event is about. */
  private record Actor(String id, Map<String, String> labels) {}

  /** An image came from a registry under this name. */
  public void pulled(String namespace, ImageReference name, ResolvedImage image) {
    transferred(namespace, "pull", name, actor(image));
  }

  /** An image was sent to the registry of its name. */
  public void pushed(String namespace, ImageReference name) {
    transferred(namespace, "push", name, actor(namespace, name.toString()));
  }

  private void transferred(String namespace, String action, ImageReference name, Actor image) {
    Actor actor = new Actor(name.familiar(), image.labels);
    tell(namespace, action, actor, name.familiarRepository());
  }

  /** Names mean these images from now on, because an archive had them. */
  public void loaded(String namespace, Collection<String> names) {
    Set<Actor> loaded = new LinkedHashSet<>();
    names.forEach(name -> loaded.add(actor(namespace, name)));
    loaded.forEach(one -> tell(namespace, "load", one, one.id));
  }

  /** Images were written into an archive. */
  public void saved(String namespace, Collection<ResolvedImage> images) {
    Set<Actor> saved = new LinkedHashSet<>();
    images.forEach(image -> saved.add(actor(image)));
    saved.forEach(one -> tell(namespace, "save", one, one.id));
  }

  /** An image was made of a root file system. */
  public void imported(String namespace, ResolvedImage image) {
    tell(namespace, "import", actor(image), image.id());
  }

  /**
   * An image was made of what a container has changed.
   *
   * @param name of the image; empty if it has none
   */
  public void committed(Snapshots.Key root, ResolvedImage image, String name, String message) {
    String given = name.isEmpty() ? "" : Tagging.familiar(name);
    ofContainer(
        root, "commit", Map.of("comment", message, "imageID", image.id(), "imageRef", given));
  }

  /** The whole file system of a container was read. */
  public void exported(Snapshots.Key root) {
    ofContainer(root, "export", Map.of());
  }

  /** Files of a container were read. */
  public void read(Snapshots.Key root) {
    ofContainer(root, "archive-path", Map.of());
  }

  /** Files were written into a container. */
  public void written(Snapshots.Key root) {
    ofContainer(root, "extract-to-dir", Map.of());
  }

  // The key of its snapshot is the container's id; a folder that somebody named has none. The
  // container's name, image and labels are added by containerd-svc, which knows them.
  private void ofContainer(Snapshots.Key root, String action, Map<String, String> words) {
    if (root.key().isEmpty()) {
      return;
    }
    metadata.lazy(transaction -> {
      transaction.emit(
          root.namespace(), new StoreEvent.Told("container", action, root.key(), words));
      return true;
    });
  }

  /** An image has one name more. */
  public void tagged(String namespace, ResolvedImage image, String name) {
    tell(namespace, "tag", actor(image), Tagging.familiar(name));
  }

  /** The same for a client that gives names by itself, maybe before their content is here. */
  public void tagged(String namespace, String name) {
    tell(namespace, "tag", actor(namespace, name), Tagging.familiar(name));
  }

  /** An image has one name less. */
  void untagged(String namespace, ResolvedImage image) {
    tell(namespace, "untag", actor(image), image.id());
  }

  /** An image has no name any more, and is the collector's. */
  void deleted(String namespace, ResolvedImage image) {
    // docker tells no labels of what is gone.
    tell(namespace, "delete", new Actor(image.id(), Map.of()), image.id());
  }

  /** A name went away that leads to no image which could be read. */
  void untagged(String namespace, NamedImage name) {
    Actor actor = new Actor(name.target().digest(), Map.of());
    tell(namespace, "untag", actor, actor.id);
  }

  /** Images that nobody used were removed. */
  void pruned(String namespace, long bytes) {
    metadata.lazy(transaction -> {
      transaction.emit(
          namespace,
          new StoreEvent.Told(IMAGE, "prune", "", Map.of("reclaimed", Long.toString(bytes))));
      return true;
    });
  }

  private static Actor actor(ResolvedImage image) {
    return new Actor(image.id(), image.config().config().labels());
  }

  private Actor actor(String namespace, String name) {
    try {
      return actor(library.resolve(namespace, name, null));
    } catch (BerthException.NotFound | BerthException.InvalidArgument | BerthException.DataLoss e) {
      // It is incomplete, for another kind of machine, or no image at all.
      NamedImage named = library.findName(namespace, name);
      return new Actor(named == null ? name : named.target().digest(), Map.of());
    }
  }

  private void tell(String namespace, String action, Actor actor, String name) {
    // Labels come last, for they are left out where there is no room.
    Map<String, String> attributes = new LinkedHashMap<>();
    attributes.put("name", name);
    actor.labels.forEach(attributes::putIfAbsent);
    metadata.lazy(transaction -> {
      transaction.emit(namespace, new StoreEvent.Told(IMAGE, action, actor.id, attributes));
      return true;
    });
  }
}
