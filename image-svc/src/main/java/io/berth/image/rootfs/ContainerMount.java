package io.berth.image.rootfs;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a container mounts on its snapshot.
 *
 * @param target where, inside: absolute; the container's links are followed there
 * @param source a file or folder of the host's; null for a tmpfs
 * @param recursive with what is mounted below the source
 * @param readOnlyBelow what is mounted below a read-only source is read-only as well
 */
public record ContainerMount(
    String target,
    @Nullable Path source,
    boolean recursive,
    boolean readOnly,
    boolean readOnlyBelow) {}
