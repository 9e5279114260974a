/**
 * Between layers as tars and layers as folders: applying one to mounts, and finding what a folder
 * changes.
 */
@NullMarked
package io.berth.image.diff;

import org.jspecify.annotations.NullMarked;
