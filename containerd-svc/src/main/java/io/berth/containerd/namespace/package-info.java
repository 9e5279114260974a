/**
 * containerd's namespaces: names with labels. Making any object makes its namespace; a namespace is
 * removed only when it is empty, which for images, blobs and snapshots is image-svc's answer.
 */
@NullMarked
package io.berth.containerd.namespace;

import org.jspecify.annotations.NullMarked;
