package io.berth.image.registry;

import io.berth.base.error.BerthException;
import io.berth.image.content.ContentInfo;
import io.berth.image.content.ContentStore;
import io.berth.image.library.Documents;
import io.berth.image.library.ImageLibrary;
import io.berth.image.library.ProgressListener;
import io.berth.image.library.ResolvedImage;
import io.berth.oci.image.Descriptor;
import io.berth.oci.image.ImageReference;
import io.berth.oci.image.Manifest;
import io.berth.oci.image.MediaTypes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Pushes one image: what its manifests point to first, then they, then what points to them. */
final class ImagePush {
  private static final int DEPTH = 4;

  private final ContentStore content;
  private final ImageLibrary library;
  private final Documents documents;
  private final Registry registry;
  private final RegistryTransfer.Request request;

  ImagePush(
      ContentStore content,
      ImageLibrary library,
      Documents documents,
      Registry registry,
      RegistryTransfer.Request request) {
    this.content = content;
    this.library = library;
    this.documents = documents;
    this.registry = registry;
    this.request = request;
  }

  /**
   * What belongs to an image.
   *
   * @param blobs by their digests
   * @param manifests those that others point to before them; the last one gets the name
   */
  private record Parts(Map<String, Descriptor> blobs, Map<String, Descriptor> manifests) {}

  Descriptor run(int parallel) throws IOException {
    ResolvedImage image = library.resolve(request.namespace(), request.ref(), request.platform());
    Parts parts = new Parts(new LinkedHashMap<>(), new LinkedHashMap<>());
    boolean whole = request.platform() == null && collect(image.target(), parts, 0);
    if (!whole) {
      parts.blobs.clear();
      parts.manifests.clear();
      collect(image.manifest(), parts);
      parts.manifests.put(image.manifestDescriptor().digest(), image.manifestDescriptor());
    }
    List<SideBySide.Task> tasks = new ArrayList<>();
    parts.blobs.values().forEach(blob -> tasks.add(() -> push(blob)));
    SideBySide.run("push layers", parallel, tasks, () -> {});
    List<Descriptor> manifests = new ArrayList<>(parts.manifests.values());
    Descriptor top = manifests.removeLast();
    for (Descriptor manifest : manifests) {
      push(manifest.digest(), manifest);
    }
    push(ImageReference.of(request.ref()).version(), top);
    request.progress().step("", "done", 0, 0);
    return top;
  }

  /** Adds what a target points to, and then itself; false if some of it is not here. */
  private boolean collect(Descriptor target, Parts parts, int depth) {
    if (depth > DEPTH || content.find(request.namespace(), target.checked()) == null) {
      return false;
    }
    if (MediaTypes.isIndex(target.mediaType())) {
      for (Descriptor child : documents.index(request.namespace(), target.digest()).manifests()) {
        if (!collect(child, parts, depth + 1)) {
          return false;
        }
      }
    } else if (!collect(documents.manifest(request.namespace(), target.digest()), parts)) {
      return false;
    }
    parts.manifests.put(target.digest(), target);
    return true;
  }

  private boolean collect(Manifest manifest, Parts parts) {
    List<Descriptor> blobs = new ArrayList<>(manifest.layers());
    blobs.add(manifest.config());
    boolean all = true;
    for (Descriptor blob : blobs) {
      // What others distribute is theirs to hand out; the manifest names where.
      if (!MediaTypes.isForeign(blob.mediaType())) {
        parts.blobs.put(blob.digest(), blob);
        all &= content.find(request.namespace(), blob.checked()) != null;
      }
    }
    return all;
  }

  private void push(String version, Descriptor manifest) throws IOException {
    byte[] bytes = content.readAll(request.namespace(), manifest.checked(), Documents.MAX_BYTES);
    Retry.run(
        request.progress(),
        "",
        () -> {
          registry.pushManifest(version, manifest.mediaType(), bytes);
          return true;
        });
  }

  private void push(Descriptor part) throws IOException {
    String name = ProgressListener.part(part.digest());
    ContentInfo info =
        Optional.ofNullable(content.find(request.namespace(), part.checked()))
            .orElseThrow(() ->
                new BerthException.NotFound(
                    "push `" + request.ref() + "`: layer " + part.digest() + " is not here"));
    Set<String> elsewhere = new HashSet<>(registry.othersWith(info.labels()));
    BlobUpload upload = registry.upload(part.checked(), content.path(part.checked()), elsewhere);
    Retry retry = new Retry(request.progress(), name);
    boolean pushed =
        upload.run(
            retry,
            () -> registry.hasBlob(part.checked()),
            sent -> request.progress().step(name, "pushing", sent, info.size()));
    request.progress().step(name, pushed ? "done" : "exists", info.size(), info.size());
  }
}
