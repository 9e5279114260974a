/**
 * The service's gRPC endpoints: containerd's image side and our own. They translate, nothing else;
 * the wire types stay in this package.
 */
@NullMarked
package io.berth.image.api;

import org.jspecify.annotations.NullMarked;
