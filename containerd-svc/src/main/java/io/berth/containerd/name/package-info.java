/**
 * What containers are called: ids ({@link io.berth.containerd.name.ContainerId}), names made or
 * given ({@link io.berth.containerd.name.NameGenerator}, {@link
 * io.berth.containerd.name.ContainerName}), and who is meant by a word that a person types ({@link
 * io.berth.containerd.name.ReferenceLookup}). Pure but for the random source.
 */
@NullMarked
package io.berth.containerd.name;

import org.jspecify.annotations.NullMarked;
