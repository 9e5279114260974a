/**
 * Root file systems for containers: from an image's name to mounts and a user in one call, and
 * looks into them.
 */
@NullMarked
package io.berth.image.rootfs;

import org.jspecify.annotations.NullMarked;
