/**
 * Commands on containerd's own objects, made with the calls that any client of containerd makes.
 * They show what stands behind the containers, whoever has made it.
 */
@NullMarked
package io.berth.cli.containerd;

import org.jspecify.annotations.NullMarked;
