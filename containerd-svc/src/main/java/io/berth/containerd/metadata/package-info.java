/** What this service keeps in its database: namespaces and the records of containers. */
@NullMarked
package io.berth.containerd.metadata;

import org.jspecify.annotations.NullMarked;
