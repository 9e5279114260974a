/** Tests of specifications: rules in tables, whole documents as golden files. */
package io.berth.containerd.spec;
