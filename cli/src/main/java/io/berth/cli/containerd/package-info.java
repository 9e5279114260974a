/**
 * containerd's own objects, by the services that any of its clients calls: for looking behind the
 * containers.
 */
@NullMarked
package io.berth.cli.containerd;

import org.jspecify.annotations.NullMarked;
