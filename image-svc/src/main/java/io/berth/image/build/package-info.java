/**
 * New images from what is here: a container's changes on top of its image, or a root file system's
 * archive.
 */
@NullMarked
package io.berth.image.build;

import org.jspecify.annotations.NullMarked;
