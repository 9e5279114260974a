package io.berth.base.layout;

import java.util.List;

/**
 * One of the mounts that together are a container's root file system, as containerd's clients send
 * them with {@code Tasks.Create} ({@code containerd.types.Mount}).
 *
 * @param target below the root file system; empty for the root itself
 * @param options in the words of mount(8)
 */
public record RootfsMount(String type, String source, String target, List<String> options) {
  public RootfsMount {
    options = List.copyOf(options);
  }
}
